"""Folders of the host that the machine sees as drives: 9P over virtio, served by QEMU."""
import os
import re
import stat
from dataclasses import dataclass

from .report import Failure

RESERVED = "ABC"        # floppy drives, and the volume of the system
TAG = 31                # bytes of a mount tag


@dataclass
class Share:
    host: str
    drive: str
    read_only: bool = False

    @property
    def root(self):
        return f"{self.drive}:\\"

    def tag(self):
        """What the driver reads: the letter, and for the volume's label the folder's name."""
        label = re.sub(r"[\x00-\x1f,:*?\"<>|\\/]", "_", os.path.basename(self.host))
        room = TAG - 2
        while len(label.encode(errors="replace")) > room:
            label = label[:-1]
        return f"{self.drive}:{label}".encode(errors="replace").decode()


def parse(text):
    """--share HOSTDIR[:DRIVE][:ro] -> (folder, drive or None, read only)."""
    if os.path.isdir(text):
        return text, None, False
    host, drive, read_only = text, None, False
    if host.lower().endswith(":ro"):
        host, read_only = host[:-3], True
    if not os.path.isdir(host) and (match := re.fullmatch(r"(.+):([^:/]{0,2}):?", host, re.DOTALL)):
        host, drive = match[1], match[2].upper()
        if not re.fullmatch("[A-Z]", drive):
            raise Failure(f"--share {text}: the drive is a letter, as in --share {host}:S", 2)
        if drive in RESERVED:
            raise Failure(f"--share {text}: the drive {drive}: is the system's; take one from D to Z", 2)
    return host, drive, read_only


def check_folder(host, option):
    try:
        mode = os.stat(host).st_mode
    except OSError as error:
        reason = "there is no such folder" if isinstance(error, (FileNotFoundError, NotADirectoryError)) else error.strerror
        raise Failure(f"{option}: {reason}", 2) from None
    if not stat.S_ISDIR(mode):
        raise Failure(f"{option}: it is a file; a folder can be shared (for one file: --with)", 2)
    if not os.access(host, os.R_OK | os.X_OK):
        raise Failure(f"{option}: the folder cannot be read: permission denied", 2)


def current_folder():
    try:
        return os.getcwd()
    except OSError:
        raise Failure("the current folder is gone and cannot be shared; see --no-share", 2) from None


def collect(rows, current=True):
    """The shares for the options: those of --share, and behind them the current folder. Letters that are not given come from Z: downwards, the
    current folder's first."""
    shares = []
    if current:
        folder = current_folder()
        check_folder(folder, f"the current folder {folder} cannot be shared (see --no-share)")
        shares.append(Share(folder, ""))
    for text in rows or ():
        host, drive, read_only = parse(text)
        check_folder(host, f"--share {text}")
        if drive and any(share.drive == drive for share in shares):
            raise Failure(f"--share {text}: the drive {drive}: is given twice", 2)
        shares.append(Share(os.path.realpath(host), drive or "", read_only))
    taken = {share.drive for share in shares}
    letters = [letter for letter in "ZYXWVUTSRQPONMLKJIHGFED" if letter not in taken]
    for share in shares:
        if not share.drive:
            if not letters:
                raise Failure("there are more shared folders than letters for drives", 2)
            share.drive = letters.pop(0)
    return shares


def arguments(shares):
    """QEMU's options. A comma in a value is written twice."""
    words = []
    for number, share in enumerate(shares):
        path = share.host.replace(",", ",,")
        words += ["-fsdev", f"local,id=share{number},path={path},security_model=none,multidevs=remap" + (",readonly=on" if share.read_only else ""),
                  "-device", f"virtio-9p-pci,disable-legacy=on,disable-modern=off,fsdev=share{number},mount_tag={share.tag()}"]
    return words


def parameters():
    """Registry text for the driver: new files get the permissions that this user's programs give them."""
    mask = os.umask(0)
    os.umask(mask)
    return f'\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\ninep\\Parameters]\n"Mask"=dword:{mask:08x}\n'
