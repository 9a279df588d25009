"""The boot archive (abi/wire/bootfs.hpp): a tree of files that becomes the volume C:."""
import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from .report import Failure

PAGE = 4096
MAGIC = b"NEPTBFS1"
VERSION = 1
HEADER = struct.Struct("<8sIIQQQQ16x")
ENTRY = struct.Struct("<QQQIIII")
ATTRIBUTE_DIRECTORY = 0x10
ATTRIBUTE_ARCHIVE = 0x20
EPOCH = 116444736000000000  # 1970 in NT time
FORBIDDEN = set('<>:"|?*\\') | {chr(code) for code in range(32)}


def round_up(size):
    return (size + PAGE - 1) & ~(PAGE - 1)


def nt_time(seconds_ns):
    return seconds_ns // 100 + EPOCH


@dataclass
class Node:
    name: str       # full guest path, '/' between parts
    source: object  # None for a folder, bytes, or the Path of a host file
    size: int
    mtime: int      # NT time


class Archive:
    """Collects guest files, then writes them. Names are compared without case; a later file replaces an earlier one of that name."""

    def __init__(self, stamp=None):
        """`stamp`: the time (NT's) of all that has none of its own; None: now."""
        self.nodes = {}
        self.stamp = stamp

    @staticmethod
    def key(name):
        return tuple(part.casefold() for part in name.split("/"))

    def add_folder(self, name, mtime=None):
        name = self.checked(name)
        if not name:
            return
        self.add_parents(name)
        old = self.nodes.get(self.key(name))
        if old and old.source is not None:
            raise Failure(f"{name} cannot be both a file and a folder in the machine")
        if not old:
            self.nodes[self.key(name)] = Node(name, None, 0, self.time(mtime))

    def add_bytes(self, name, data, mtime=None):
        self.put(Node(self.checked(name), data, len(data), self.time(mtime)))

    def time(self, mtime):
        return mtime or self.stamp or nt_time(time.time_ns())

    def add_file(self, name, path, mtime=None):
        """`mtime`: instead of the file's own."""
        try:
            state = os.stat(path)
        except OSError as error:
            raise Failure(f"cannot read {path}: {error.strerror}") from None
        self.put(Node(self.checked(name), Path(path), state.st_size, mtime or nt_time(state.st_mtime_ns)))

    def add_tree(self, name, folder):
        """A host folder with all that is in it; symbolic links are followed, but not in a circle."""
        folder = Path(folder)
        self.add_folder(name, nt_time(folder.stat().st_mtime_ns))
        for here, folders, names in os.walk(folder, followlinks=True, onerror=raise_failure):
            real = os.path.realpath(here)
            if os.path.islink(here) and any(real == os.path.realpath(up) for up in Path(here).parents):
                raise Failure(f"{here} leads back to a folder above it: a circle of links cannot go into the machine")
            folders.sort()
            relative = os.path.relpath(here, folder)
            prefix = name if relative == "." else f"{name}/{relative}"
            if relative != ".":
                self.add_folder(prefix, nt_time(os.stat(here).st_mtime_ns))
            for file in sorted(names):
                path = os.path.join(here, file)
                if not os.path.isfile(path):
                    if os.path.lexists(path) and not os.path.exists(path):
                        continue  # a link to nowhere
                    raise Failure(f"{path} is neither a file nor a folder")
                self.add_file(f"{prefix}/{file}", path)

    def put(self, node):
        if not node.name:
            raise Failure("a file needs a name in the machine")
        self.add_parents(node.name)
        old = self.nodes.get(self.key(node.name))
        if old and old.source is None:
            raise Failure(f"{node.name} cannot be both a file and a folder in the machine")
        self.nodes[self.key(node.name)] = node

    def add_parents(self, name):
        if "/" in name:
            self.add_folder(name.rsplit("/", 1)[0])

    def has(self, name):
        return self.key(name) in self.nodes

    @staticmethod
    def checked(name):
        """The name if Windows allows it; parts must not be '.' or '..' or hold a reserved character."""
        name = name.strip("/")
        for part in name.split("/") if name else ():
            bad = FORBIDDEN & set(part)
            if not part or part in (".", "..") or part[-1] in " ." or bad or len(part) > 255:
                raise Failure(f"{name!r} cannot be a file name in the machine: Windows forbids "
                              + (f"the character {min(bad)!r}" if bad else f"the part {part!r}"))
            try:
                part.encode()
            except UnicodeEncodeError:
                raise Failure(f"{name!r} cannot be a file name in the machine: it is not UTF-8") from None
        return name

    def write(self, out):
        """Writes the archive to the binary file `out`, from its current position; returns its size."""
        rows = [self.nodes[key] for key in sorted(self.nodes)]
        names = [node.name.encode() for node in rows]
        names_offset = HEADER.size + ENTRY.size * len(rows)
        names_size = sum(map(len, names))
        offset = round_up(names_offset + names_size)
        entries = []
        name_offset = 0
        for node, name in zip(rows, names):
            where = offset if node.size else 0
            attributes = ATTRIBUTE_DIRECTORY if node.source is None else ATTRIBUTE_ARCHIVE
            entries.append(ENTRY.pack(where, node.size, node.mtime, name_offset, len(name), attributes, 0))
            name_offset += len(name)
            offset += round_up(node.size)
        total = offset
        start = out.write(HEADER.pack(MAGIC, VERSION, len(rows), total, names_offset, names_size, self.time(None)))
        start += out.write(b"".join(entries))
        start += out.write(b"".join(names))
        out.write(bytes(round_up(start) - start))
        for node in rows:
            if node.size:
                copy(node, out)
                out.write(bytes(round_up(node.size) - node.size))
        return total


def raise_failure(error):
    raise Failure(f"cannot read {error.filename}: {error.strerror}")


def copy(node, out):
    if isinstance(node.source, bytes):
        out.write(node.source)
        return
    left = node.size
    try:
        with open(node.source, "rb", buffering=0) as source:
            while left:
                data = source.read(min(left, 1 << 20))
                if not data:
                    raise Failure(f"{node.source} became shorter while it was read")
                out.write(data)
                left -= len(data)
    except OSError as error:
        raise Failure(f"cannot read {node.source}: {error.strerror}") from None


def read(data):
    """The archive in `data` as {name: (attributes, mtime, bytes)}, every rule of the format checked."""
    magic, version, count, total, names_offset, names_size, _ = HEADER.unpack_from(data)
    if magic != MAGIC or version != VERSION:
        raise Failure("not a boot archive")
    if total > len(data) or total % PAGE or names_offset + names_size > total or HEADER.size + count * ENTRY.size > names_offset:
        raise Failure("the boot archive's header is not consistent")
    result = {}
    folders = {""}
    for index in range(count):
        offset, size, mtime, name_offset, length, attributes, _ = ENTRY.unpack_from(data, HEADER.size + index * ENTRY.size)
        if name_offset + length > names_size or offset % PAGE or offset + size > total:
            raise Failure(f"entry {index} of the boot archive lies outside of it")
        name = data[names_offset + name_offset:names_offset + name_offset + length].decode()
        if name.rpartition("/")[0].casefold() not in folders:
            raise Failure(f"{name} comes before its folder")
        if attributes & ATTRIBUTE_DIRECTORY:
            folders.add(name.casefold())
        result[name] = (attributes, mtime, bytes(data[offset:offset + size]))
    return result
