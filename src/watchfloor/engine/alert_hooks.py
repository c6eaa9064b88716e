"""The hooks that people are alerted through: checked, and told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

from watchfloor.channels.hook_command import told_command
from watchfloor.channels.hook_settings import (
    CommandHookSettings,
    HookError,
    MailHookSettings,
    WebhookHookSettings,
)
from watchfloor.channels.mail_settings import MailSettings
from watchfloor.channels.secrets import is_reference
from watchfloor.channels.settings import Settings, checked
from watchfloor.channels.webhook_settings import refusal_of_url
from watchfloor.domain.alerts import Hook
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.workspace import Workspace

NO_MAIL: Final = "needs a mail server; add a table [mail] with host and from"

_MODELS: Final[Mapping[str, type[Settings]]] = {
    "command": CommandHookSettings,
    "webhook": WebhookHookSettings,
    "mail": MailHookSettings,
}


def hook_mistakes(workspace: Workspace) -> Iterator[str]:
    """Yield every mistake in the settings of a workspace's hooks, with its place."""
    for hook in workspace.alerts.hooks:
        place = f"alerts.{hook.kind}.{hook.name}"
        try:
            checked(_MODELS[hook.kind], hook.settings)
        except ConfigError as error:
            yield from (f"{place}.{one}" for one in error.mistakes)
        if hook.kind == "mail" and not workspace.mail:
            yield f"{place}: {NO_MAIL}"


def refused_hooks(workspace: Workspace) -> Iterator[str]:
    """Yield which webhooks lead to hosts that may not be contacted, as far as shown.

    What a reference or a name leads to is known once it is told something.
    """
    for hook in workspace.alerts.hooks:
        if hook.kind == "webhook":
            url = checked(WebhookHookSettings, hook.settings).url
            why = "" if is_reference(url) else refusal_of_url(url, workspace.reach)
            if why:
                yield f"{hook.label}: {why}"


async def told(
    workspace: Workspace, hook: Hook, message_id: str, payload: Mapping[str, Any]
) -> str:
    """Tell one hook once; return what it answered, in one line.

    Args:
        workspace: Whose mail server.
        hook: Which.
        message_id: The same however often this is tried: who is told twice can see it.
        payload: What is told; its ``text`` is for people.

    Raises:
        WatchfloorError: It was not told, or did not take it; the text says why.
    """
    whole = {"id": message_id, **payload}
    if hook.kind == "command":
        return await told_command(
            checked(CommandHookSettings, hook.settings), json.dumps(whole).encode()
        )
    if hook.kind == "webhook":
        # Imported here: few workspaces post alerts, and a web client is heavy.
        from watchfloor.channels.hook_webhook import (  # noqa: PLC0415 - see above
            told_webhook,
        )

        settings = checked(WebhookHookSettings, hook.settings)
        body = json.dumps(whole).encode()
        return await told_webhook(settings, body, message_id, workspace.reach)
    return await _mailed(workspace, hook, whole)


async def _mailed(workspace: Workspace, hook: Hook, payload: Mapping[str, Any]) -> str:
    from watchfloor.channels.mail_transport import (  # noqa: PLC0415 - as above
        send_mail,
    )

    if not workspace.mail:
        raise HookError(NO_MAIL)
    to = checked(MailHookSettings, hook.settings).to
    settings = checked(MailSettings, workspace.mail)
    return await send_mail(settings, _message(settings, to, payload), to)


def _message(
    settings: MailSettings, to: list[str], payload: Mapping[str, Any]
) -> EmailMessage:
    """Return the same message for the same payload, however often it is made."""
    message, sender = EmailMessage(), settings.sender
    message["From"] = Address(sender.name, sender.local, sender.domain)
    message["To"] = ", ".join(to)
    message["Subject"] = f"[Watchfloor] {payload['title']}"
    at = datetime.fromisoformat(payload["at"])
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{payload['id']}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers
    message.set_content(f"{payload['text']}\n")
    return message
