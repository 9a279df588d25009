"""What goes onto the volume C: for one boot: the system's files, the user's, and neptune.ini."""
import dataclasses
import os
import re
import sys
import tempfile
from pathlib import Path

from . import bootfs, bootimage, closure, cmdline, paths, pe, share
from .report import Failure

SYSTEM32 = "Windows/System32"
SEED = f"{SYSTEM32}/config/registry.txt"
BOOT_FILES = ("smss.exe", "ntdll.dll", "apisetschema.dll")
WORK = "work"
NLS = ("locale.nls", "l_intl.nls", "sortdefault.nls", "normnfc.nls", "normnfd.nls", "normnfkc.nls", "normnfkd.nls", "normidna.nls",
       "c_437.nls", "c_850.nls", "c_932.nls", "c_936.nls", "c_949.nls", "c_950.nls", "c_1250.nls", "c_1251.nls", "c_1252.nls", "c_1253.nls",
       "c_1254.nls", "c_1257.nls", "c_10000.nls", "c_20127.nls", "c_28591.nls", "c_28605.nls")
FOLDERS = ("Windows/Temp", "Windows/System32/config", "Windows/System32/drivers", "Program Files", "Program Files (x86)", "ProgramData", "Users/Public",
           "Users/neptune/AppData/Local/Temp", "Users/neptune/AppData/Local/Microsoft/Windows", "Users/neptune/AppData/Roaming", "Users/neptune/Desktop", "Users/neptune/Documents", WORK)
PROFILE = r"C:\Users\neptune"
ENVIRONMENT = {
    "ALLUSERSPROFILE": r"C:\ProgramData",
    "APPDATA": PROFILE + r"\AppData\Roaming",
    "COMPUTERNAME": "NEPTUNE",
    "COMSPEC": r"C:\Windows\System32\cmd.exe",
    "HOMEDRIVE": "C:",
    "HOMEPATH": r"\Users\neptune",
    "LOCALAPPDATA": PROFILE + r"\AppData\Local",
    "NUMBER_OF_PROCESSORS": "1",
    "OS": "Windows_NT",
    "PATH": r"C:\Windows\System32;C:\Windows;C:\work",
    "PATHEXT": ".COM;.EXE;.BAT;.CMD",
    "PROCESSOR_ARCHITECTURE": "AMD64",
    "ProgramData": r"C:\ProgramData",
    "ProgramFiles": r"C:\Program Files",
    "SystemDrive": "C:",
    "SystemRoot": r"C:\Windows",
    "TEMP": PROFILE + r"\AppData\Local\Temp",
    "TMP": PROFILE + r"\AppData\Local\Temp",
    "USERNAME": "neptune",
    "USERPROFILE": PROFILE,
    "windir": r"C:\Windows",
    "WINEUSERNAME": "neptune",  # where the packaged advapi32's GetUserName looks
}


@dataclasses.dataclass
class Program:
    """One program to start: a guest path, the words after its name, its folder, and environment variables beside the usual ones."""
    image: str
    arguments: list = dataclasses.field(default_factory=list)
    directory: str = r"C:\work"
    environment: dict = dataclasses.field(default_factory=dict)
    command: str = ""  # the whole command line, instead of one made from image and arguments

    def lines(self):
        yield "image", self.image
        yield "command", self.command or cmdline.join(self.image, self.arguments)
        yield "directory", self.directory
        variables = {name.upper(): (name, value) for name, value in ENVIRONMENT.items()}
        for name, value in self.environment.items():
            variables[name.upper()] = (name, value)
        for key in sorted(variables):
            name, value = variables[key]
            if value is not None:
                yield "env", f"{name}={value}"


SERVICE = """
[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\{0}]
"Type"=dword:00000001
"Start"=dword:00000003
"ErrorControl"=dword:00000001
"ImagePath"=expand:"System32\\\\drivers\\\\{1}"
"""


def ini(programs, mode="run", mark="", drivers=(), disk="", drives=(), volumes=0, terminal=None):
    rows = [("mode", mode), *([("disk", disk)] if disk else []), *([("mark", mark)] if mark else []), *(("driver", name) for name in drivers),
            *(("drive", f"{letter}:") for letter in drives), *([("volumes", str(volumes))] if volumes else []),
            *([("console", "{}x{}".format(*terminal))] if terminal else [])]
    for program in programs:
        rows += program.lines()
    text = []
    for key, value in rows:
        if "\0" in value:
            raise Failure(f"{key} cannot hold a NUL character")
        text.append(f"{key}=" + value.replace("\n", "\n\t") + "\n")
    try:
        return "".join(text).encode()
    except UnicodeEncodeError:
        raise Failure("an argument or environment variable is not valid UTF-8") from None


class Volume:
    """Collects the user's files, then makes the archive with all the system files that they need."""

    def __init__(self, library=None, stamp=None):
        """`stamp`: the time of the system's files (bootfs.Archive); None: their own, or now."""
        self.library = library or closure.Library()
        self.archive = bootfs.Archive(stamp)
        self.beside = {}   # lower-case name: host path, of the files in the programs' folders
        self.roots = []    # host paths of PE images whose imports must be there
        self.programs = []
        self.drivers = []  # names of service keys
        self.registry = ""  # more of the registry's description
        self.shares = []   # share.Share
        self.data_volumes = 0  # drive letters to wait for
        self.terminal = None  # (columns, rows): the programs have a console
        self.console = False  # programs may be started that nobody has named: closure.CONSOLE is wanted
        self.directory = rf"C:\{WORK}"     # where programs start

    def add_driver(self, host):
        """--driver FILE.sys: a driver that is started before the program, with a service key of its name. One named as a driver of the
        system takes its place, with that one's key."""
        path = Path(host)
        if not path.is_file():
            raise Failure(f"--driver {host}: there is no such file", 2)
        fact = self.library.fact(path)
        if complaint := pe.complaint(fact, program=False):
            raise Failure(f"--driver {host} {complaint}", 2)
        if fact["subsystem"] != pe.SUBSYSTEM_NATIVE:
            raise Failure(f"--driver {host} is not a driver: its subsystem is not native", 2)
        if not re.fullmatch(r"[\w\-.]{1,64}", path.stem):
            raise Failure(f"--driver {host}: the name of a driver is of letters, digits, - and _", 2)
        self.archive.add_file(f"{SYSTEM32}/drivers/{path.name}", path)
        self.drivers.append((path.stem, path.name))

    def add_with(self, text):
        """--with HOST or --with HOST=GUEST: a file or folder, into the working folder by its own name or to GUEST (relative to the
        working folder, or to the volume's root when it begins with a slash or a drive)."""
        host, name = text, None
        if not os.path.lexists(text) and "=" in text:
            host, _, name = text.rpartition("=")
        if not os.path.exists(host):
            raise Failure(f"--with {text}: there is no file or folder {host}", 2)
        if name is None:
            name = os.path.basename(os.path.realpath(host) if host.rstrip("/").endswith((".", "..")) else host.rstrip("/"))
            if not name:
                raise Failure(f"--with {text}: name it, as --with {text}=NAME", 2)
        self.add_path(guest_path(name), Path(host))

    def add_path(self, name, host):
        if host.is_dir():
            self.archive.add_tree(name, host)
            for here, _, names in os.walk(host, followlinks=True):
                for file in names:
                    self.note_image(Path(here) / file, os.path.join(name, os.path.relpath(here, host)))
        elif host.is_file():
            self.archive.add_file(name, host)
            self.note_image(host, os.path.dirname(name), os.path.basename(name))
        else:
            raise Failure(f"{host} is neither a file nor a folder")

    def note_image(self, host, folder, name=None):
        """Remembers programs and DLLs, so that what they import goes in too."""
        name = (name or host.name).lower()
        if not name.endswith((".exe", ".dll", ".pyd", ".node")):
            return
        fact = self.library.fact(host)
        if pe.complaint(fact, program=False):
            return
        self.beside.setdefault(name, host)
        self.roots.append(host)

    def add_program(self, host, arguments, environment=None, name=None):
        """A program of the host, or (when no such file exists) of the system by its name."""
        path = Path(host)
        if not os.path.lexists(host) and "/" not in host and "\\" not in host:
            stem = host if "." in host else host + ".exe"
            found = self.library.find(stem)
            if found and stem.lower().endswith(".exe") and not pe.complaint(self.library.fact(found)):
                self.system_program(stem.lower(), arguments, environment)
                return
        if not os.path.exists(host):
            raise Failure(f"{host}: there is no such file", 2)
        if path.is_dir():
            raise Failure(f"{host} is a folder, not a program", 2)
        if not os.access(host, os.R_OK):
            raise Failure(f"{host} cannot be read: permission denied", 2)
        name = name or path.name
        if path.suffix.lower() in (".bat", ".cmd"):
            self.archive.add_file(f"{WORK}/{name}", path)
            words = " ".join(map(cmdline.quote, [rf"C:\work\{name}", *arguments]))
            shell = r"C:\Windows\System32\cmd.exe"
            self.programs.append(Program(shell, command=f'{shell} /d /s /c "{words}"', directory=self.directory, environment=environment or {}))
            return
        if complaint := pe.complaint(self.library.fact(path)):
            raise Failure(f"{host} {complaint}", 2)
        if place := self.shared_place(path, name):
            # It lies in a shared folder: it starts there, beside its own files.
            self.roots.append(path)
            for neighbour, host in self.neighbours(path):
                self.beside[neighbour] = host
            self.programs.append(Program(place, list(arguments), self.directory, environment or {}))
            return
        if not name.lower().endswith((".exe", ".com", ".scr")):
            name += ".exe"
        self.archive.add_file(f"{WORK}/{name}", path)
        self.beside[name.lower()] = path
        self.roots.append(path)
        # The loader looks into the program's folder first: what lies there on the host as a DLL it imports comes along.
        for neighbour, host in self.neighbours(path):
            self.archive.add_file(f"{WORK}/{host.name}", host)
            self.beside[neighbour] = host
        self.programs.append(Program(rf"C:\work\{name}", list(arguments), self.directory, environment or {}))

    def shared_place(self, program, name):
        """Where the machine sees a program of the host in a shared folder; None: nowhere, or programs start in the working folder."""
        if self.directory == rf"C:\{WORK}" or name != program.name or not name.lower().endswith((".exe", ".com", ".scr")):
            return None
        real = Path(os.path.realpath(program))
        for share in self.shares:
            root = Path(os.path.realpath(share.host))
            if real.is_relative_to(root) and not re.search(r'[\x00-\x1f\\:*?"<>|]|[ .](/|$)', str(real.relative_to(root))):
                return share.root + str(real.relative_to(root)).replace("/", "\\")
        return None

    def neighbours(self, program):
        """(lower-case name, host path) of the DLLs that the program (or they themselves) import and that lie in its own folder on the host."""
        there = closure.list_folder(program.parent, "*.[dD][lL][lL]")
        queue = [program]
        found = {}
        while queue:
            fact = self.library.fact(queue.pop())
            for needed in (*fact.get("imports", ()), *fact.get("delay", ()), *fact.get("forwards", ())):
                key = needed.lower()
                if key in there and key not in found and not pe.complaint(self.library.fact(there[key]), program=False):
                    found[key] = there[key]
                    queue.append(there[key])
        return found.items()

    def system_program(self, name, arguments, environment=None):
        self.roots.append(self.library.find(name))
        self.programs.append(Program(rf"C:\Windows\System32\{name}", list(arguments), self.directory, environment or {}))

    def finish(self, mode="run", mark=""):
        """The archive, complete."""
        for folder in FOLDERS:
            self.archive.add_folder(folder)
        system = self.library.closure(self.roots, self.beside, self.console or bool(self.shares))
        for root in self.roots:
            name = root.name.lower()
            if self.library.find(name) == root:
                system[name] = root
        for name, path in system.items():
            where = f"{SYSTEM32}/{name}"
            if not self.archive.has(where):
                self.archive.add_file(where, closure.stripped(path), self.archive.stamp)
        own = closure.list_folder(paths.DRIVERS, "*.sys")
        for name, path in own.items():
            where = f"{SYSTEM32}/drivers/{name}"
            if not self.archive.has(where):     # else --driver has one of that name, which takes its place
                self.archive.add_file(where, closure.stripped(path), self.archive.stamp)
        nls = closure.nls_folder()
        for name in NLS:
            self.archive.add_file(f"{SYSTEM32}/{name}", nls / name, self.archive.stamp)
        if paths.REGISTRY.exists():
            keys = [driver for driver in self.drivers if driver[1].casefold() not in {name.casefold() for name in own}]
            text = paths.REGISTRY.read_bytes() + "".join(SERVICE.format(*driver) for driver in keys).encode()
            text += self.registry.encode()
            if self.shares:
                text += share.parameters().encode()
            self.archive.add_bytes(SEED, text)
        self.archive.add_bytes("neptune.ini", ini(self.programs, mode, mark, [name for name, _ in self.drivers], drives=[each.drive for each in self.shares],
                                                 volumes=self.data_volumes, terminal=self.terminal))
        self.library.facts.save()
        return self.archive


    def boot_archive(self, mode, disk, programs=True):
        """With a disk as C: what the machine starts from, that is all it takes to reach the disk. After finish(). `disk`: its identity
        (partitions.Partition.where). Without `programs`: the disk's own neptune.ini says what is run."""
        small = bootfs.Archive(self.archive.stamp)
        wanted = {name.casefold() for name in (*BOOT_FILES, *NLS, *closure.list_folder(paths.WDM, "*.exe"), *closure.list_folder(paths.WDM, "*.dll"))}
        for key in sorted(self.archive.nodes):
            node = self.archive.nodes[key]
            folder, _, name = node.name.rpartition("/")
            if folder.casefold() == f"{SYSTEM32}/drivers".casefold() or (folder.casefold() == SYSTEM32.casefold() and name.casefold() in wanted):
                small.put(node)
        small.put(self.archive.nodes[bootfs.Archive.key(SEED)])
        small.add_bytes("neptune.ini", ini(self.programs if programs else (), mode, "", [name for name, _ in self.drivers], disk,
                                           [each.drive for each in self.shares], self.data_volumes, self.terminal))
        return small


def guest_path(name):
    """A guest path as the archive wants it, from what the user wrote."""
    path = name.replace("\\", "/")
    if len(path) > 1 and path[1] == ":":
        if path[0].lower() != "c":
            raise Failure(f"{name}: there is only one volume, C:", 2)
        return path[2:].strip("/")
    if path.startswith("/"):
        return path.strip("/")
    return f"{WORK}/{path.strip('/')}"


class BootImage:
    """The image in memory (a memfd): nothing to clean up, whatever happens. `path` is what QEMU opens; keep the object alive until then."""

    def __init__(self, archive):
        if not paths.EXECUTIVE.exists():
            raise Failure(f"the Executive {paths.EXECUTIVE} is not there: the build does not make it")
        if sys.platform == "linux":
            self.file = os.fdopen(os.memfd_create("neptune-image", 0), "w+b")
        else:
            self.file = tempfile.TemporaryFile()
        self.memory = bootimage.write(paths.EXECUTIVE, archive, self.file)
        self.file.flush()
        self.size = os.fstat(self.file.fileno()).st_size

    @property
    def fd(self):
        return self.file.fileno()

    @property
    def path(self):
        return f"/dev/fd/{self.fd}"

    def close(self):
        self.file.close()
