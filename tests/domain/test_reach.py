from __future__ import annotations

import random
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from watchfloor.domain.reach import (
    Address,
    HostPattern,
    Reach,
    host_pattern,
    internal_range,
)

ANYWHERE = Reach()


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("0.0.0.0", "0.255.255.255"),  # noqa: S104 - nothing is bound
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("224.0.0.0", "255.255.255.255"),
        ("::", "::ffff:ffff:ffff"),
        ("64:ff9b::7f00:0", "64:ff9b::7fff:ffff"),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ],
)
def test_a_range_that_is_not_public_is_refused_from_end_to_end(first, last):
    for text in (first, last):
        assert ANYWHERE.refusal_of_address("a.example", ip_address(text), 443)


@pytest.mark.parametrize(
    "public",
    [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "223.255.255.255",
        "2600::1",
        "64:ff9b::808:808",
    ],
)
def test_what_lies_beside_is_public(public):
    assert ANYWHERE.refusal_of_address("a.example", ip_address(public), 443) == ""
    assert ANYWHERE.refusal_of_host(public, 443) == ""


def test_what_the_standard_library_calls_private_is_never_contacted():
    chance = random.Random(7)  # noqa: S311 - replayable
    drawn: list[Address] = [IPv4Address(chance.getrandbits(32)) for _ in range(3_000)]
    drawn += [IPv6Address(chance.getrandbits(128)) for _ in range(1_000)]
    starts = ("2001", "2002", "64:ff9b", "fc00", "fe80", "2620")
    drawn += [
        IPv6Address(int(ip_address(f"{start}::")) | chance.getrandbits(96))
        for start in starts
        for _ in range(100)
    ]
    private = [one for one in drawn if one.is_private or one.is_multicast]

    assert len(private) > 300
    assert [
        one for one in private if not ANYWHERE.refusal_of_address("a", one, 80)
    ] == []


def test_a_listed_range_opens_itself_and_nothing_beside():
    reach = Reach(
        internal=(internal_range("10.1.0.0/16"), internal_range("127.0.0.1:8080"))
    )
    asked = {
        ("10.1.2.3", 80): True,
        ("10.2.0.0", 80): False,
        ("127.0.0.1", 8080): True,
        ("127.0.0.1", 8081): False,
        ("::ffff:10.1.2.3", 80): False,
    }

    found = {
        (host, port): not reach.refusal_of_host(host, port) for host, port in asked
    }

    assert found == asked


def test_a_listed_range_needs_no_listed_name():
    reach = Reach(hosts=(), internal=(internal_range("10.1.0.0/16"),))

    assert reach.refusal_of_host("10.1.2.3", 80) == ""
    assert "not among the hosts" in reach.refusal_of_host("calls.example.org", 80)


def test_this_machine_by_name_is_allowed_with_either_of_its_addresses():
    for listed in ("127.0.0.1", "::1"):
        reach = Reach(internal=(internal_range(listed),))
        assert reach.refusal_of_host("localhost", 80) == ""


def test_patterns_fold_case_and_the_last_dot():
    assert host_pattern("*.Example.COM.:8443") == HostPattern(
        "example.com", is_wild=True, port=8443
    )
    assert host_pattern("[2600::1]:443") == HostPattern("2600::1", port=443)


@pytest.mark.parametrize(
    "text",
    ["", "*", "*.", "a..b", "-a.b", "a b", "http://a/", "a:", "a:0", "a:65536", "ä.b"],
)
def test_what_names_no_host_is_no_pattern(text):
    with pytest.raises(ValueError, match=r"is no host|no port"):
        host_pattern(text)


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "10.1.2.3/8", "10.0.0.0/33", "10.0.0.1:0", "::g"]
)
def test_what_names_no_address_is_no_range(text):
    with pytest.raises(ValueError, match=r"is no address|is no range"):
        internal_range(text)


@pytest.mark.parametrize(
    ("pattern", "host", "port", "fits"),
    [
        ("calls.example.org", "calls.example.org", 443, True),
        ("calls.example.org", "a.calls.example.org", 443, False),
        ("calls.example.org:443", "calls.example.org", 8443, False),
        ("calls.example.org:443", "calls.example.org", 443, True),
        ("*.example.org", "calls.example.org", 80, True),
        ("*.example.org", "example.org", 80, False),
        ("*.example.org", "notexample.org", 80, False),
    ],
)
def test_a_pattern_means_one_host_or_all_below_it(pattern, host, port, fits):
    assert host_pattern(pattern).fits(host, port) is fits


def test_a_host_that_is_not_listed_is_told_where_to_list_it():
    reach = Reach(hosts=(host_pattern("calls.example.org"),))

    assert reach.refusal_of_host("Calls.Example.org.", 443) == ""
    assert reach.refusal_of_host("other.example.org", 443) == (
        "other.example.org:443 is not among the hosts that webhooks may contact; if it "
        "is meant, add it to hosts in [webhooks] of watchfloor.toml"
    )
    # An address is listed as a name is, and must be public all the same.
    assert "not among the hosts" in reach.refusal_of_host("9.9.9.9", 443)


@pytest.mark.parametrize("host", ["a b", "127.1", "0x7f.1", "1.2.3", "fe80::1%eth0"])
def test_what_is_neither_a_name_nor_an_address_is_not_contacted(host):
    assert ANYWHERE.refusal_of_host(host, 80) == (
        f"{host} is no host's name and no address as addresses are written; write a "
        "name, four numbers like 192.0.2.1, or [2001:db8::1]"
    )


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "LOCALHOST."])
def test_this_machine_by_name_is_no_public_address(host):
    assert ANYWHERE.refusal_of_host(host, 80) == (
        f"{host} leads to 127.0.0.1, an address of this machine, and those are not "
        'contacted unless they are listed; if it is meant, add internal = ["127.0.0.1"]'
        " to [webhooks] of watchfloor.toml"
    )
    assert ANYWHERE.refusal_of_host("notlocalhost", 80) == ""


@pytest.mark.parametrize(
    ("listed", "host", "advised"),
    [
        ("127.0.0.1:18081", "127.0.0.1", "127.0.0.1:18082"),
        ("[::1]:18081", "::1", "[::1]:18082"),
        ("127.0.0.2", "127.0.0.1", "127.0.0.1"),
    ],
)
def test_beside_a_port_that_is_listed_only_the_other_port_is_advised(
    listed, host, advised
):
    reach = Reach(internal=(internal_range(listed),))

    assert f'add internal = ["{advised}"] to' in reach.refusal_of_host(host, 18_082)


def test_an_inner_address_is_told_by_what_it_belongs_to():
    assert ANYWHERE.refusal_of_host("10.1.2.3", 80) == (
        "10.1.2.3 is an address of a private network, and those are not contacted "
        'unless they are listed; if it is meant, add internal = ["10.1.2.3"] to '
        "[webhooks] of watchfloor.toml"
    )


def test_a_range_with_a_rest_is_told_what_must_be_nothing():
    with pytest.raises(ValueError, match=r"^is no range: what stands behind its /8"):
        internal_range("10.1.2.3/8")


def test_what_is_neither_host_nor_range_is_told_how_to_write_one():
    for text, read, said in (
        (
            "a b",
            host_pattern,
            (
                "is no host: write calls.example.org, *.example.org, or :443 behind "
                "it; letters beyond a-z as xn--..."
            ),
        ),
        (
            "localhost",
            internal_range,
            "is no address or range: write 127.0.0.1, 127.0.0.1:8080 or 10.1.0.0/16",
        ),
        (
            "10.1.2.3/8",
            internal_range,
            "is no range: what stands behind its /8 must be 0",
        ),
    ):
        with pytest.raises(ValueError, match=r".") as caught:
            read(text)
        assert str(caught.value) == said


def test_an_inner_port_is_told_and_asked_for_with_its_address():
    reach = Reach(internal=(internal_range("127.0.0.1:8080"),))

    assert reach.refusal_of_host("localhost", 8080) == ""
    assert reach.refusal_of_host("localhost", 80) != ""
    assert reach.refusal_of_host("127.0.0.1", 8080) == ""
    closed = Reach(hosts=(host_pattern("9.9.9.9:443"),))
    assert closed.refusal_of_host("9.9.9.9", 443) == ""
    assert closed.refusal_of_host("9.9.9.9", 80).startswith("9.9.9.9:80 is not among")


def test_without_its_list_of_names_no_inner_address_more_is_open():
    listed = Reach(
        hosts=(host_pattern("mail.example.org"),),
        internal=(internal_range("10.1.0.0/16"),),
    )

    opened = listed.of_any_host()

    assert listed.refusal_of_host("other.example.org", 25) != ""
    assert opened.refusal_of_host("other.example.org", 25) == ""
    assert opened.refusal_of_host("10.1.2.3", 25) == ""
    assert opened.refusal_of_host("10.2.2.3", 25) != ""
