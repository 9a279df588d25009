"""The driver kit: it installs, the guide's commands work as written, every header stands by itself, and drivers of foreign idioms build."""
import os
import re
import shutil
import struct
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLANG = shutil.which("clang-19") or shutil.which("clang")


def run(command, **named):
    """Runs a command; its output is part of the error if it fails."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=500, **named)
    if result.returncode != 0:
        raise AssertionError(f"{command} gave {result.returncode}:\n{result.stdout[-4000:]}")
    return result.stdout


class Image:
    """What the checks need of a PE32+ file."""

    def __init__(self, path):
        self.data = path.read_bytes()
        pe, = struct.unpack_from("<I", self.data, 0x3C)
        assert self.data[:2] == b"MZ" and self.data[pe:pe + 4] == b"PE\0\0", path
        self.machine, sections = struct.unpack_from("<HH", self.data, pe + 4)
        optional, self.characteristics = struct.unpack_from("<HH", self.data, pe + 20)
        head = pe + 24
        self.entry, = struct.unpack_from("<I", self.data, head + 16)
        self.subsystem, = struct.unpack_from("<H", self.data, head + 68)
        self.directories = [struct.unpack_from("<II", self.data, head + 112 + 8 * index) for index in range(16)]
        self.sections = [struct.unpack_from("<8sIIII", self.data, head + optional + 40 * index) for index in range(sections)]

    def at(self, address):
        for _, size, start, raw, offset in self.sections:
            if start <= address < start + max(size, raw):
                return address - start + offset
        raise AssertionError(f"no section has {address:#x}")

    def text(self, address):
        start = self.at(address)
        return self.data[start:self.data.index(b"\0", start)].decode()

    def imports(self):
        """{file: names}"""
        found, row = {}, self.at(self.directories[1][0])
        while True:
            names, _, _, file, _ = struct.unpack_from("<IIIII", self.data, row)
            if file == 0:
                return found
            thunk, listed = self.at(names), []
            while (value := struct.unpack_from("<Q", self.data, thunk)[0]) != 0:
                listed.append(self.text(value + 2))
                thunk += 8
            found[self.text(file).lower()] = listed
            row += 20


class Kit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = Path(tempfile.mkdtemp(prefix="neptune-sdk-"))
        cls.addClassCleanup(shutil.rmtree, cls.work, ignore_errors=True)
        # The guide's commands run in a folder that has of the tree only what they name; what they make stays in there.
        (cls.work / "neptune").symlink_to(ROOT / "neptune")
        cls.env = {name: value for name, value in os.environ.items() if name not in ("NEPTUNE_BUILD", "NEPTUNE_NO_BUILD")}
        cls.env["NEPTUNE_BUILD"] = str(cls.work / "own")
        guide = (ROOT / "docs/driver-guide.md").read_text(encoding="utf-8")
        for block in re.findall(r"^```sh\n(.*?)^```", guide, re.MULTILINE | re.DOTALL):
            run(["sh", "-e", "-c", block], cwd=cls.work, env=cls.env)
        cls.kit = cls.work / "build/kit"

    def check(self, path, wanted):
        image = Image(path)
        self.assertEqual(image.machine, 0x8664)
        self.assertEqual(image.subsystem, 1, "a driver's subsystem is native")
        self.assertNotEqual(image.entry, 0)
        self.assertEqual(image.characteristics & 1, 0, "a driver can be moved: its relocations are there, if it needs any")
        self.assertNotEqual(image.directories[3][1], 0, "its functions have unwind data")
        imports = image.imports()
        for file, names in wanted.items():
            self.assertLessEqual(set(names), set(imports.get(file, [])), f"{path.name} imports from {file}")
        self.assertLessEqual(set(imports), {"ntoskrnl.exe", "hal.dll", "storport.sys", "scsiport.sys", "wmilib.sys"})
        return imports

    def test_guide_runs(self):
        """Its drivers work in the machine, as the guide says."""
        guide = (ROOT / "docs/driver-guide.md").read_text(encoding="utf-8")
        outputs = [run(["sh", "-e", "-c", block], cwd=self.work) for block in re.findall(r"^```sh run\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)]
        self.assertEqual(len(outputs), 2)
        self.assertIn("counter: all passed", outputs[0])
        self.assertNotIn("FAILED", outputs[0])
        self.assertIn("hello, I am", outputs[1])

    def test_guide(self):
        self.check(self.work / "build/counter/counter.sys", {"ntoskrnl.exe": ["IoCreateDevice", "IoCsqInsertIrp", "KeAcquireSpinLockRaiseToDpc"]})
        self.check(self.work / "build/hello/out/hello.sys", {"ntoskrnl.exe": ["DbgPrint"]})
        self.assertEqual(Image(self.work / "build/counter/counter_test.exe").subsystem, 3)

    def test_kit_is_self_contained(self):
        for path in self.kit.rglob("*"):
            self.assertFalse(path.is_symlink(), path)
        for path in [*self.kit.glob("cmake/*"), *self.kit.glob("sample/*")]:
            text = path.read_text(encoding="utf-8")
            self.assertNotIn(str(ROOT), text)
            self.assertNotIn("/usr/", text)

    def test_idioms(self):
        out = self.work / "idioms"
        run(["cmake", "-S", ROOT / "tests/sdk", "-B", out, "-G", "Ninja", f"-DNeptuneSDK_DIR={self.kit}/cmake"])
        run(["ninja", "-C", out])
        imports = self.check(out / "idioms.sys", {"ntoskrnl.exe": ["__C_specific_handler", "ProbeForRead", "ObOpenObjectByPointer"]})
        self.assertNotIn("KeQuerySystemTime", imports["ntoskrnl.exe"], "it is read off the shared page")
        self.check(out / "checked.sys", {"ntoskrnl.exe": ["KeGetCurrentIrql"]})
        self.check(out / "cplusplus.sys", {"ntoskrnl.exe": ["ExAllocatePool2", "ExFreePool"]})
        self.check(out / "filesystem.sys", {"ntoskrnl.exe": ["CcCopyReadEx", "FsRtlOplockFsctrlEx", "IoRegisterFileSystem"]})
        self.check(out / "casts.sys", {"ntoskrnl.exe": ["ExFreePool", "FsRtlGetSectorSizeInformation", "RtlInitializeGenericTable"]})
        self.check(out / "miniport.sys", {"storport.sys": ["StorPortInitialize", "StorPortNotification", "StorPortExtendedFunction"]})
        self.check(out / "scsiminiport.sys", {"scsiport.sys": ["ScsiPortInitialize", "ScsiPortNotification"]})
        self.check(out / "wmi.sys", {"wmilib.sys": ["WmiCompleteRequest", "WmiSystemControl"], "ntoskrnl.exe": ["ExAcquireSpinLockShared"]})
        self.check(out / "legacy.sys", {"hal.dll": ["HalMakeBeep"], "ntoskrnl.exe": ["InitSafeBootMode", "KeLoaderBlock", "InbvCheckDisplayOwnership"]})
        self.assertEqual(Image(out / "sample_app.exe").subsystem, 3)
        # What samples call is declared in C and C++, and the system has it.
        names = self.check(out / "names.sys", {"ntoskrnl.exe": ["SeAccessCheck", "FsRtlFindInTunnelCache", "IoReadPartitionTableEx"]})
        for listed in (names, self.check(out / "names_cxx.sys", {})):        # in C++ some more are inline
            self.assertGreater(sum(map(len, listed.values())), 470)
        build = ROOT / "build/pe/wdm"
        if (build / "ntoskrnl.exe.def").exists():
            for file, definition in (("ntoskrnl.exe", "ntoskrnl.exe.def"), ("hal.dll", "hal.def")):
                there = {row.split()[0].split("=")[0] for row in (build / definition).read_text(encoding="ascii").splitlines()[2:]}
                self.assertEqual(set(names[file]) - there, set(), f"{file} lacks these")
        self.check(out / "reactos.sys", {"hal.dll": ["READ_PORT_UCHAR"], "ntoskrnl.exe": ["__C_specific_handler"]})

    def test_errors_are_clear(self):
        project = self.work / "wrong"
        project.mkdir()
        for row, message in (("SOURCES absent.c", "absent.c is not there"), ("", "no SOURCES"),
                             ("SOURCES a.c LIBRARIES nolib", "the kit has no library nolib"), ("SOURCES a.txt", "neither C, C")):
            (project / "a.c").write_text("int a;\n", encoding="ascii")
            (project / "a.txt").write_text("\n", encoding="ascii")
            (project / "CMakeLists.txt").write_text(f"cmake_minimum_required(VERSION 3.25)\nproject(x LANGUAGES NONE)\nfind_package(NeptuneSDK REQUIRED)\n"
                                                    f"add_wdm_driver(x {row})\n", encoding="ascii")
            with self.assertRaisesRegex(AssertionError, message):
                run(["cmake", "-S", project, "-B", project / "out", "-G", "Ninja", f"-DNeptuneSDK_DIR={self.kit}/cmake"])

    def test_install_keeps_foreign_folders(self):
        (self.work / "precious").mkdir()
        (self.work / "precious/file").write_text("x", encoding="ascii")
        result = subprocess.run([ROOT / "neptune", "sdk", "--install", self.work / "precious"], capture_output=True, text=True, env=self.env, timeout=300)
        self.assertEqual(result.returncode, 2)
        self.assertIn("has other files in it", result.stderr)
        self.assertTrue((self.work / "precious/file").exists())

    def test_headers_stand_alone(self):
        config = (self.kit / "cmake/NeptuneSDKConfig.cmake").read_text(encoding="utf-8")
        flags = re.search(r"set\(NEPTUNE_SDK_COMPILE (.*?)\)", config, re.DOTALL)[1].split()
        folders = [self.kit / name for name in ("include/ddk", "include/shared", "include", "mingw/include/ddk", "mingw/include")]
        system = [word for folder in folders for word in ("-isystem", str(folder))]

        def compile(job):
            headers, language, standard = job
            source = "".join(f"#include <{header}>\n" for header in headers) + "#include <ntifs.h>\nint Used;\n"
            result = subprocess.run([CLANG, *flags, "-x", language, standard, "-w", "-fsyntax-only", *system, "-"], input=source, text=True,
                                    capture_output=True, timeout=200)
            return None if result.returncode == 0 else f"{headers} as {language}:\n{result.stderr[:600]}"

        names = sorted(path.name for folder in ("ddk", "shared") for path in (self.kit / "include" / folder).glob("*.h"))
        self.assertGreater(len(names), 60)
        # In C each by itself; in C++ some together (storport.h and scsi.h are two forms of one thing).
        together = [name for name in names if name != "storport.h"]
        jobs = [([name], "c", "-std=gnu17") for name in names]
        jobs += [(group, "c++", "-std=gnu++20") for group in (*(together[start::8] for start in range(8)), ["storport.h"])]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            failed = [text for text in pool.map(compile, jobs) if text]
        self.assertEqual(failed, [], "\n".join(failed))


if __name__ == "__main__":
    unittest.main()
