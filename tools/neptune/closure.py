"""Which DLLs a program needs, and where each of them is: beside it, among ours, or among Wine's."""
from pathlib import Path

from . import fetch, files, paths, pe, process
from .report import Failure, Progress

FACTS_VERSION = 6

# What is always there: the DLLs that everything stands on, those that programs load by name without importing them, and a shell.
BASE = ("kernel32.dll", "kernelbase.dll", "advapi32.dll", "sechost.dll", "msvcrt.dll", "ucrtbase.dll", "rpcrt4.dll", "version.dll",
        "shlwapi.dll", "vcruntime140.dll", "vcruntime140_1.dll", "msvcp140.dll", "user32.dll", "gdi32.dll", "apisetschema.dll", "cmd.exe")
# What else console programs import or load: there whenever programs may be started that are not looked into beforehand, from a shared folder
# or a disk.
CONSOLE = ("rsaenh.dll", "dssenh.dll", "powrprof.dll", "psapi.dll", "pdh.dll", "oleaut32.dll", "ncrypt.dll", "rstrtmgr.dll", "mswsock.dll", "wsock32.dll",
           "cfgmgr32.dll", "netapi32.dll", "propsys.dll", "msimg32.dll", "imagehlp.dll", "mpr.dll", "normaliz.dll", "wintrust.dll", "cryptnet.dll",
           "shfolder.dll", "avrt.dll", "dwmapi.dll", "hid.dll", "wevtapi.dll", "wtsapi32.dll", "msvcp140_1.dll", "msvcp140_2.dll", "msvcp140_atomic_wait.dll",
           "concrt140.dll", "vcomp140.dll")
# The commands that batch files expect to find; those that the package has.
COMMANDS = ("attrib.exe", "expand.exe", "fc.exe", "find.exe", "findstr.exe", "hostname.exe", "reg.exe", "start.exe", "taskkill.exe", "tasklist.exe",
            "where.exe", "whoami.exe", "xcopy.exe")

# Large, and dead without Wine's Unix half: a program that only names one of these finds none.
NOT_BY_MENTION = {"opengl32.dll", "glu32.dll", "vulkan-1.dll", "dxgi.dll", "d3d9.dll", "d3d10.dll", "d3d11.dll", "d3d12.dll", "d2d1.dll", "dwrite.dll",
                  "ddraw.dll", "dsound.dll", "wined3d.dll", "mshtml.dll", "ieframe.dll", "winex11.drv"}


def wine_folder():
    """Where the packaged DLLs are."""
    root = fetch.unpacked("debian", "libwine")
    found = sorted(root.glob("usr/lib/*/wine/x86_64-windows"))
    if not found:
        raise Failure("the libwine package has no x86_64-windows folder")
    return found[0]


def nls_folder():
    return fetch.unpacked("debian", "libwine") / "usr/share/wine/nls"


def list_folder(folder, pattern="*"):
    """{lower-case name: path} of the files of a folder."""
    return {path.name.lower(): path for path in folder.glob(pattern) if path.is_file()} if folder.is_dir() else {}


class Library:
    """The system's DLLs and programs by name: ours (build/pe) win over Wine's."""

    def __init__(self):
        self.wine = list_folder(wine_folder())
        self.ours = {}
        if paths.WIN32.is_dir():
            for folder in sorted(paths.WIN32.iterdir()):
                for suffix in ("*.dll", "*.exe"):
                    self.ours.update(list_folder(folder, suffix))
        for suffix in ("*.exe", "*.dll"):
            self.ours.update(list_folder(paths.WDM, suffix))
        for path in (paths.NTDLL, paths.SMSS):
            if path.exists():
                self.ours[path.name.lower()] = path
        # Wine's ntdll and win32u are halves of Linux libraries, its smss none at all: never taken.
        for name in ("ntdll.dll", "smss.exe", "ntoskrnl.exe", "hal.dll", "win32u.dll", "wow64.dll", "wow64cpu.dll"):
            self.wine.pop(name, None)
        self.facts = files.StatCache(paths.CACHE / "pe-facts.json", FACTS_VERSION)
        self.api_sets = None

    def find(self, name):
        name = name.lower()
        return self.ours.get(name) or self.wine.get(name)

    def fact(self, path):
        return self.facts.get(path, pe.facts)

    def host_of(self, name):
        """The DLL that an API set contract stands for; other names as they are."""
        name = name.lower()
        if not name.startswith(("api-", "ext-")):
            return name
        if self.api_sets is None:
            schema = self.find("apisetschema.dll")
            self.api_sets = self.fact(schema).get("sets") if schema else None
            if self.api_sets is None:
                raise Failure("the system's apisetschema.dll is not here or has no API set map")
        stem = name.removesuffix(".dll")
        return self.api_sets.get(stem.rpartition("-")[0]) or self.api_sets.get(stem) or name

    def closure(self, roots, beside, console=False):
        """The system files that `roots` (host paths of programs and DLLs) need: {lower-case name: path}. `beside` is {lower-case name: path}
        of what lies in the program's own folder, which the loader looks at first. A DLL that is imported and nowhere is a Failure; one that is
        only loaded on demand or forwarded to may be missing, as on Windows it would fail when used. `console`: CONSOLE too."""
        result = {}
        done = set()
        queue = [(Path(root), True) for root in roots]
        optional = (*COMMANDS, *(CONSOLE if console else ()))
        for name in dict.fromkeys((*BASE, *self.ours, *optional)):
            path = self.find(name)
            if path is None and name in optional:
                continue
            if path is None:
                raise Failure(f"the system's {name} is not here")
            result[name] = path
            queue.append((path, False))
        while queue:
            path, mine = queue.pop()
            if path in done:
                continue
            done.add(path)
            fact = self.fact(path)
            if "error" in fact or fact["machine"] != pe.AMD64:
                continue
            for needed, must in self.needs(fact, mine):
                host = self.host_of(needed)
                if host in beside:
                    queue.append((beside[host], True))
                    continue
                found = self.find(host)
                if found:
                    result[host] = found
                    queue.append((found, False))
                elif must:
                    raise Failure(f"{path.name} needs {needed}, which is not here (looked in the program's folder and in the system's: "
                                  f"{paths.WIN32} and libwine)", 2)
        self.facts.save()
        return result

    @staticmethod
    def needs(fact, mine):
        """(name, is it an error when missing). The system's own DLLs delay-load half of Windows for functions hardly anybody calls: those go
        in only when a program asks for them."""
        for name in fact["imports"]:
            yield name, mine
        for name in fact["forwards"]:
            yield name, False
        if mine:
            for name in (*fact["delay"], *(name for name in fact["mentions"] if name not in NOT_BY_MENTION)):
                yield name, False


def stripped(path):
    """The image without debug information; made once per content and kept in the cache."""
    folder = paths.CACHE / "stripped"
    index = stripped.index = getattr(stripped, "index", None) or files.StatCache(paths.CACHE / "stripped.json", 1)
    digest = index.get(path, lambda where: files.sha256(where))
    index.save()
    result = folder / f"{digest[:32]}-{path.name}"
    if not result.exists():
        with files.scratch(folder) as work, Progress(f"stripping {path.name}") as progress:
            target = work / path.name
            process.run(["llvm-strip-19", "--strip-all", "-o", target, path], progress=progress, what=f"stripping {path.name}")
            target.rename(result)
    return result
