from __future__ import annotations

from pathlib import Path

import pytest

from watchfloor.domain.errors import StoreError
from watchfloor.store.disk import check_disk, file_system, shared_disk

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:50 / /srv rw - nfs4 files:/export rw
31 30 0:51 / /srv/local rw - xfs /dev/sdb1 rw
32 22 0:52 / /mnt/with\\040blank rw - fuse.sshfs host:/ rw
33 22 0:53 / /over rw - ext4 /dev/sdc1 rw
34 22 0:54 / /over rw - cifs //host/share rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/floor", "ext4"),
        ("/srv", "nfs4"),
        ("/srv/floor/state.db", "nfs4"),
        ("/srv/local/floor", "xfs"),
        ("/srvother", "ext4"),
        ("/mnt/with blank/floor", "fuse.sshfs"),
        ("/over/floor", "cifs"),
    ],
)
def test_the_deepest_and_newest_mount_says_the_type(path, kind):
    assert file_system(Path(path), MOUNTS) == kind


def mounted(kind: str, point: str = "/srv") -> str:
    return (
        f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:50 / {point} rw - {kind} x rw\n"
    )


@pytest.mark.parametrize(
    "kind",
    [
        *("nfs", "nfs4", "cifs", "smb3", "ceph", "pvfs2", "orangefs", "panfs"),
        *("fuse.sshfs", "fuse.juicefs", "fuse.gcsfuse", "fuse.ceph-fuse"),
    ],
)
def test_what_several_machines_may_write_is_a_network_disk_also_as_the_root(kind):
    for point in ("/srv", "/"):
        told = shared_disk(Path("/srv/floor"), mounted(kind, point))
        assert told == f"a network disk ({kind})"


@pytest.mark.parametrize(
    "kind",
    [
        *("9p", "virtiofs", "vboxsf", "drvfs", "prl_fs", "vmhgfs", "fakeowner"),
        *("fuse.vmhgfs-fuse", "fuse.grpcfuse"),
    ],
)
def test_a_folder_of_the_host_is_shared_and_a_root_of_its_kind_is_not(kind):
    told = shared_disk(Path("/srv/floor"), mounted(kind))

    assert told == f"a folder of the machine that hosts this one ({kind})"
    assert shared_disk(Path("/srv/floor"), mounted(kind, "/")) == ""
    with pytest.raises(StoreError, match="network_disk = true"):
        check_disk(Path("/srv/floor"), mounted(kind))


@pytest.mark.parametrize(
    "kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", ""]
)
def test_a_disk_of_this_machine_is_not_shared(kind):
    assert shared_disk(Path("/srv/floor"), mounted(kind)) == ""


def test_a_workspace_on_a_network_disk_is_refused_with_what_to_do():
    with pytest.raises(StoreError, match=r"network disk \(nfs4\).*nothing was changed"):
        check_disk(Path("/srv/floor"), MOUNTS)


def test_a_workspace_on_a_disk_of_this_machine_is_taken():
    check_disk(Path("/srv/local/floor"), MOUNTS)


def test_where_nobody_tells_nothing_is_refused(tmp_path):
    check_disk(tmp_path, "")
