"""Reads PE images: what they are, what they import, what they forward to. Every offset is checked: files come from anywhere."""
import mmap
import re
import struct

MACHINES = {0x14C: "32-bit x86", 0x1C0: "32-bit ARM", 0x1C4: "32-bit ARM", 0xAA64: "64-bit ARM", 0x200: "Itanium", 0x5064: "RISC-V",
            0xA641: "64-bit ARM (EC)"}
AMD64 = 0x8664
EXPORT, IMPORT, DELAY_IMPORT, CLR = 0, 1, 13, 14
SUBSYSTEM_NATIVE = 1
LIMIT = 65536  # most descriptors or exports that a table may have


class NotPe(Exception):
    """Why the file cannot be used; completes the sentence "FILE ..."."""


class Image:
    def __init__(self, data):
        self.data = data
        if len(data) < 2:
            raise NotPe("is empty" if not data else "is not a Windows program")
        if data[:4] == b"\x7fELF":
            raise NotPe("is a Linux program, not a Windows one")
        if data[:2] != b"MZ":
            raise NotPe("is not a Windows program")
        try:
            self.parse()
        except struct.error:
            raise NotPe("is damaged: its headers point outside of the file") from None

    def parse(self):
        header, = struct.unpack_from("<I", self.data, 0x3C)
        if self.data[header:header + 4] != b"PE\0\0":
            raise NotPe("is a DOS or 16-bit program")
        self.machine, sections, _, _, _, optional_size, self.characteristics = struct.unpack_from("<HHIIIHH", self.data, header + 4)
        optional = header + 24
        self.magic, = struct.unpack_from("<H", self.data, optional)
        self.wide = self.magic == 0x20B
        if self.magic not in (0x10B, 0x20B):
            raise NotPe("is damaged: its optional header has no known kind")
        self.base, = struct.unpack_from("<Q", self.data, optional + 24) if self.wide else struct.unpack_from("<I", self.data, optional + 28)
        self.size_of_image, self.size_of_headers = struct.unpack_from("<II", self.data, optional + 56)
        self.subsystem, = struct.unpack_from("<H", self.data, optional + 68)
        count, = struct.unpack_from("<I", self.data, optional + (108 if self.wide else 92))
        table = optional + (112 if self.wide else 96)
        self.directories = [struct.unpack_from("<II", self.data, table + 8 * index) for index in range(min(count, 16))]
        self.sections = []
        for index in range(sections):
            row = optional + optional_size + 40 * index
            name, virtual_size, address, raw_size, raw = struct.unpack_from("<8sIIII", self.data, row)
            if raw_size and raw + raw_size > len(self.data):
                raise NotPe("is cut short: a section lies beyond the end of the file")
            self.sections.append((name.rstrip(b"\0").decode(errors="replace"), address, max(virtual_size, raw_size), raw, raw_size))

    @property
    def is_dll(self):
        return bool(self.characteristics & 0x2000)

    def directory(self, index):
        return self.directories[index] if index < len(self.directories) else (0, 0)

    def offset(self, rva):
        """File offset of a relative virtual address, or None when no byte of the file is there."""
        if rva < self.size_of_headers:
            return rva if rva < len(self.data) else None
        for _, address, _, raw, raw_size in self.sections:
            if address <= rva < address + raw_size:
                return raw + rva - address
        return None

    def text(self, rva):
        offset = self.offset(rva)
        if offset is None:
            return ""
        end = self.data.find(b"\0", offset, offset + 512)
        return self.data[offset:end].decode("ascii", errors="replace") if end >= 0 else ""

    def unpack(self, format_, rva):
        offset = self.offset(rva)
        if offset is None or offset + struct.calcsize(format_) > len(self.data):
            return None
        return struct.unpack_from(format_, self.data, offset)

    def imports(self):
        """Names of the DLLs it cannot start without."""
        rva, _ = self.directory(IMPORT)
        return self.descriptors(rva, "<IIIII", 3, 4) if rva else []

    def delay_imports(self):
        """Names of the DLLs it loads when first used, by the data directory and by tables in .data that no directory tells of (Wine's)."""
        rva, _ = self.directory(DELAY_IMPORT)
        names = self.descriptors(rva, "<IIIIIIII", 1, 1) if rva else []
        return names or self.hidden_delay_imports()

    def descriptors(self, rva, format_, name_field, end_field):
        names = []
        for _ in range(LIMIT):
            row = self.unpack(format_, rva)
            if row is None or not row[end_field]:
                break
            name_rva = row[name_field]
            if format_ == "<IIIIIIII" and not row[0] & 1:
                name_rva = (name_rva - self.base) & 0xFFFFFFFF
            if name := self.text(name_rva):
                names.append(name)
            rva += struct.calcsize(format_)
        return names

    def hidden_delay_imports(self):
        """Delay-load descriptors are found by their shape: Attributes 1, a name that ends in .dll, four tables inside the image."""
        names = []
        for section, address, _, raw, raw_size in self.sections:
            if section not in (".data", ".rdata"):
                continue
            where = self.data.find(b"\1\0\0\0", raw, raw + raw_size)
            while where >= 0:
                if where + 32 <= raw + raw_size and (where - raw) % 8 == 0:
                    row = struct.unpack_from("<IIIIIIII", self.data, where)
                    if all(0 < field < self.size_of_image for field in row[1:5]) and row[7] == 0:
                        name = self.text(row[1])
                        if name.lower().endswith((".dll", ".drv")) and name.isascii() and name.isprintable():
                            names.append(name)
                where = self.data.find(b"\1\0\0\0", where + 1, raw + raw_size)
        return names

    def forwards(self):
        """Names of the DLLs that its exports are forwarded to (without .dll in the image; with it here)."""
        rva, size = self.directory(EXPORT)
        row = self.unpack("<IIIIIIIIII", rva) if rva else None
        if row is None:
            return []
        names = set()
        for index in range(min(row[5], LIMIT)):
            entry = self.unpack("<I", row[7] + 4 * index)
            if entry and rva <= entry[0] < rva + size:
                module = self.text(entry[0]).rpartition(".")[0]
                if module:
                    names.add(module if module.lower().endswith((".dll", ".drv", ".exe")) else module + ".dll")
        return sorted(names)

    def export_names(self):
        rva, _ = self.directory(EXPORT)
        row = self.unpack("<IIIIIIIIII", rva) if rva else None
        if row is None:
            return []
        names = []
        for index in range(min(row[6], LIMIT)):
            entry = self.unpack("<I", row[8] + 4 * index)
            if entry:
                names.append(self.text(entry[0]))
        return names

    def mentions(self):
        """DLLs that the image may load by name: texts in it that are the name of one, in either width, without regard to what they are for."""
        names = {found.decode().lower() for found in re.findall(rb"(?<![\w.\-])[\w\-]{2,28}\.[dD][lL][lL](?=\0)", self.data)}
        wide = re.findall(rb"(?:[\w\-]\0){2,28}\.\0[dD]\0[lL]\0[lL]\0(?=\0\0)", self.data)
        names |= {found.decode("utf-16-le").lower() for found in wide}
        # A cryptographic provider is found through the registry (win32/registry.txt).
        if self.data.find(b"CryptAcquireContext") >= 0:
            names.add("rsaenh.dll")
        return sorted(names)

    def section_data(self, name):
        for section, _, _, raw, raw_size in self.sections:
            if section == name:
                return self.data[raw:raw + raw_size]
        return None

    def api_sets(self):
        """{contract name without its last number: host DLL} of an apisetschema.dll (version 6 of its map)."""
        data = self.section_data(".apiset")
        if data is None:
            raise NotPe("has no API set map")
        version, _, _, count, entries, _, _ = struct.unpack_from("<IIIIIII", data, 0)
        if version != 6:
            raise NotPe(f"has an API set map of version {version}, not 6")
        result = {}
        for index in range(min(count, LIMIT)):
            _, name_offset, _, hashed, value_offset, value_count = struct.unpack_from("<IIIIII", data, entries + 24 * index)
            name = data[name_offset:name_offset + hashed].decode("utf-16-le").lower()
            if value_count:
                _, _, _, host_offset, host_length = struct.unpack_from("<IIIII", data, value_offset)
                result[name] = data[host_offset:host_offset + host_length].decode("utf-16-le").lower()
        return result


def open_image(path):
    with open(path, "rb") as file:
        try:
            return Image(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except ValueError:
            raise NotPe("is empty") from None


def facts(path):
    """What the closure needs to know of a file, as plain data; {"error": ...} when it is no usable PE image."""
    try:
        image = open_image(path)
        fact = {"machine": image.machine, "dll": image.is_dll, "clr": bool(image.directory(CLR)[0]), "subsystem": image.subsystem,
                "imports": image.imports(), "delay": image.delay_imports(), "forwards": image.forwards(), "mentions": image.mentions()}
        if image.section_data(".apiset") is not None:
            fact["sets"] = image.api_sets()
        return fact
    except NotPe as error:
        return {"error": str(error)}


def complaint(fact, program=True):
    """Why a file with these facts cannot run, completing "FILE ..."; None when it can."""
    if "error" in fact:
        return fact["error"]
    if fact["machine"] != AMD64:
        kind = MACHINES.get(fact["machine"], f"machine type 0x{fact['machine']:x}")
        return f"is for {kind}; Neptune runs 64-bit x86-64 programs"
    if not program:
        return None
    if fact["clr"]:
        return "is a .NET program: the .NET run-time system is not here"
    if fact["dll"]:
        return "is a DLL, not a program"
    if any(name.lower() in ("ntoskrnl.exe", "hal.dll") for name in fact["imports"]):
        return "is a driver, not a program"
    return None
