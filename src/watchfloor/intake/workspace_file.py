"""The workspace's ``watchfloor.toml``: what all its runs have in common."""

from __future__ import annotations

import json

from watchfloor.domain.workspace import Workspace
from watchfloor.intake.toml_file import checked
from watchfloor.intake.workspace_forms import WorkspaceFile

#: Whoever tries a webhook out does so on one machine; elsewhere it is a line to delete.
_WEBHOOKS = """
[webhooks]                         # beside public addresses, they may contact
internal = ["127.0.0.0/8", "::1"]  # this machine
# hosts = ["calls.example.org", "*.example.com:443"]  # with this line, no other hosts
"""
#: Everything that may be said and is not; each line without "# " is read as it stands.
_OPTIONAL = """
# What follows is optional. Take the "# " away from what you need.

# [plan]                           # what may be launched in a calendar month
# monthly_runs = 100               # 0: nothing may be launched
# monthly_records = 250_000

# [limits]                         # of all runs together
# permits = 200                    # attempts in flight
# rate = "100/s"                   # attempts per second (/s), minute (/m), hour (/h)

# [channels.webhook]               # of all runs through one channel
# permits = 100
# rate = "50/s"

# [mail]                           # the server that sends notices
# host = "mail.example.org"
# port = 587
# security = "starttls"            # or "tls", or "none" for this machine only
# from = "Watchfloor <watchfloor@example.org>"
# username = "env:MAIL_USERNAME"   # secrets by reference only: env:NAME or file:/path
# password = "env:MAIL_PASSWORD"
# timeout = "30s"

# [notices]
# preset = "default"               # or "ops": job cancels, pauses and failures too

# [results]                        # what providers report to the engine
# token = "env:WATCHFLOOR_RESULTS_TOKEN"
# rate = "200/s"
# max_bytes = 1_048_576            # of one report

# [safety]
# second_person_above = 10_000_000 # records of a run whose job cancel needs two people
# network_disk = false             # true: although no lock holds there

# [alerts]                         # of what people are told as it happens
# on = ["stalled", "slow", "failing", "auto_paused", "store", "engine", "failed"]
#                                  # and "recovered", once after a crash
# urgent = ["failed"]              # told in quiet hours too
# cleared = true                   # told when it is over, too
# again_after = "10m"              # what was gone for less never went

# [alerts.quiet]                   # held back, and told at once when they end
# from = "22:00"
# to = "07:00"

# [alerts.command.pager]           # JSON on its standard input, no shell
# argv = ["/usr/local/bin/page", "--team", "night"]
# timeout = "10s"

# [alerts.webhook.chat]            # JSON, posted
# url = "https://hooks.example.org/watchfloor"
# headers = { Authorization = "env:HOOK_AUTHORIZATION" }

# [alerts.mail.leads]              # through the server of [mail]
# to = ["leads@example.org"]

# [secrets]                        # of the engine: what operators may send to anybody
# allow = ["env:CALLS_TOKEN"]      # files in campaigns/ need no line here

# [retry]                          # of ended runs, by hand: watchfloor retry
# most = 10                        # retries of one launch and all that came of it
# most_per_record = 3              # how often one record may be taken up again
# stage = "30m"                    # a stage of a canary is judged by then

# [audit]                          # watchfloor audit: the chain over the journal
# anchor = "/var/log/watchfloor/anchors.jsonl"  # its head is noted there too
# every = "15m"                    # and after each end of a run
# hook = "webhook chat"            # it is told each of them too

# [roles]                          # beside the owner: users, @ before a group
# admins = ["dana"]
# operators = ["@ops"]             # with this line, whoever is not named only looks
# viewers = ["@support"]
# shared_account = false           # true: names behind the owner's account are persons
"""


def parse_workspace(text: str, origin: str) -> Workspace:
    """Return the workspace that *text* describes.

    Args:
        text: The file's TOML.
        origin: The file's name, for messages.

    Raises:
        ConfigError: With every mistake: file, key, what is wrong, what would be right.
            No value of a key that holds a secret is repeated.
    """
    return checked(text, WorkspaceFile, origin).frozen()


def default_workspace_text(workspace_id: str, name: str) -> str:
    """Return a file that ``parse_workspace`` reads back, its options as comments."""
    # JSON's strings are TOML's basic strings, but for DEL, which TOML wants escaped.
    quoted_id, quoted_name = (
        json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
        for text in (workspace_id, name)
    )
    return (
        "[workspace]\n"
        f"id = {quoted_id}\n"
        f"name = {quoted_name}\n"
        'zone = "UTC"  # an IANA name, such as "America/New_York"\n'
        f"{_WEBHOOKS}"
        f"{_OPTIONAL}"
    )
