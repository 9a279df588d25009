#!/usr/bin/env python3
"""Prints the kernel's system calls and object invocations as C++ inline functions over typed capabilities.

usage: gen_invocations.py SEL4-FOLDER AUTOCONF OUT

Numbers and layouts are derived from the interface XML by the kernel's own rules: labels count through the generic file,
then the x86_64 one, then the x86 one, skipping methods whose condition the configuration does not meet; capabilities go
into the extra-capability places in order; other arguments are packed into words, each aligned to its size.
"""
import os
import re
import sys
import xml.dom.minidom

SIZES = {"int": 32, "seL4_Bool": 1, "seL4_Uint8": 8, "seL4_Uint16": 16, "seL4_Uint32": 32, "seL4_Uint64": 64, "seL4_Word": 64,
         "seL4_CapData_t": 64, "seL4_PrioProps_t": 64, "seL4_CapRights_t": 64, "seL4_X86_VMAttributes": 64}
GENERIC_CAPS = {"seL4_CPtr"}
CPP = {1: "bool", 8: "u8", 16: "u16", 32: "u32", 64: "u64"}


def configuration(path):
    values = {}
    with open(path) as f:
        for line in f:
            m = re.match(r"#define\s+(\w+)\s*(\S*)", line)
            if m:
                values[m[1]] = m[2] or "1"
    return values


def holds(condition, values):
    """A preprocessor condition, as Python."""
    if not condition:
        return True
    text = re.sub(r"defined\s*\(?\s*(\w+)\s*\)?", lambda m: str(int(m[1] in values)), condition)
    text = re.sub(r"\b[A-Za-z_]\w*\b", lambda m: values.get(m[0], "0"), text)
    text = text.replace("&&", " and ").replace("||", " or ")
    text = re.sub(r"!(?!=)", " not ", text)
    if not re.fullmatch(r"[\d\s()<>=!+*/-]*(?:(?:and|or|not)[\d\s()<>=!+*/-]*)*", text):
        sys.exit("gen_invocations.py: cannot understand the condition '%s'" % condition)
    return bool(eval(text))


class Interface:
    def __init__(self, folder, values):
        base = os.path.join(folder, "libsel4")
        files = [os.path.join(base, "include", "interfaces", "sel4.xml"),
                 os.path.join(base, "sel4_arch_include", "x86_64", "interfaces", "sel4arch.xml"),
                 os.path.join(base, "arch_include", "x86", "interfaces", "sel4arch.xml")]
        self.structs, self.methods, self.caps = {}, [], set(GENERIC_CAPS)
        label = 1
        documents = [xml.dom.minidom.parse(f) for f in files]
        for document in documents:
            for struct in document.getElementsByTagName("struct"):
                self.structs[struct.getAttribute("name")] = len(struct.getElementsByTagName("member"))
            for interface in document.getElementsByTagName("interface"):
                self.caps.add(interface.getAttribute("name"))
        for document in documents:
            for interface in document.getElementsByTagName("interface"):
                for method in interface.getElementsByTagName("method"):
                    if not holds(method.getAttribute("condition"), values):
                        continue
                    params = [(p.getAttribute("dir"), p.getAttribute("name"), p.getAttribute("type"))
                              for p in method.getElementsByTagName("param")]
                    self.methods.append((label, interface.getAttribute("name"), method.getAttribute("name"), params))
                    label += 1

    def is_cap(self, kind):
        return kind in self.caps or kind in ("seL4_X86_IOSpace", "seL4_X64_PML4")

    def place(self, params):
        """[(name, type, word, bit, bits)], word count."""
        used, out = 0, []
        for _, name, kind in params:
            bits = self.structs[kind] * 64 if kind in self.structs else SIZES[kind]
            step = min(bits, 64)
            used = (used + step - 1) // step * step
            out.append((name, kind, used // 64, used % 64, bits))
            used += bits
        return out, (used + 63) // 64


def short(name):
    return name[len("seL4_"):] if name.startswith("seL4_") else name


def function(api, label, interface, method, params):
    inputs = [p for p in params if p[0] == "in" and not api.is_cap(p[2])]
    caps = [p for p in params if p[0] == "in" and api.is_cap(p[2])]
    outputs = [p for p in params if p[0] == "out"]
    placed, words = api.place(inputs)
    results, result_words = api.place(outputs)
    arguments = ["%s Service_" % short(interface)]
    for direction, name, kind in params:
        if direction == "in" and api.is_cap(kind):
            arguments.append("%s %s" % ("u64" if kind in GENERIC_CAPS else short(kind), name))
        elif direction == "in" and kind in api.structs:
            arguments.append("const u64 (&%s)[%d]" % (name, api.structs[kind]))
        elif direction == "in":
            arguments.append("%s %s" % (CPP[SIZES[kind]], name))
        elif kind in api.structs:
            arguments.append("u64 (&%s)[%d]" % (name, api.structs[kind]))
        else:
            arguments.append("%s& %s" % (CPP[SIZES[kind]], name))
    expressions = [[] for _ in range(max(words, 4))]
    for name, kind, word, bit, bits in placed:
        if kind in api.structs:
            for i in range(api.structs[kind]):
                expressions[word + i].append("%s[%d]" % (name, i))
        else:
            expressions[word].append("u64(%s)%s" % (name, " << %d" % bit if bit else ""))
    lines = ["inline u32 %s_%s(%s)" % (short(interface), method, ", ".join(arguments)), "{"]
    for i, (_, name, kind) in enumerate(caps):
        lines.append("    SetBufferCap(%d, %s);" % (i, name if kind in GENERIC_CAPS else name + ".Cap"))
    for i, parts in enumerate(expressions[4:], 4):
        lines.append("    SetBufferWord(%d, %s);" % (i, " | ".join(parts)))
    lines.append("    u64 M0 = %s, M1 = %s, M2 = %s, M3 = %s;" % tuple(" | ".join(p) or "0" for p in expressions[:4]))
    lines.append("    u32 Error = u32(TagLabel(CallWith(Service_.Cap, MakeTag(%d, %d, %d), M0, M1, M2, M3)));" % (label, len(caps), words))
    if outputs:
        lines.append("    if (Error)")
        lines.append("        return Error;")

    def source(word):
        return "M%d" % word if word < 4 else "BufferWord(%d)" % word
    for name, kind, word, bit, bits in results:
        if kind in api.structs:
            for i in range(api.structs[kind]):
                lines.append("    %s[%d] = %s;" % (name, i, source(word + i)))
        else:
            lines.append("    %s = %s(%s%s);" % (name, CPP[bits], source(word), " >> %d" % bit if bit else ""))
    lines += ["    return Error;", "}"]
    return "\n".join(lines)


def system_calls(folder):
    document = xml.dom.minidom.parse(os.path.join(folder, "include", "api", "syscall.xml"))
    api = document.getElementsByTagName("api")[0]
    return [s.getAttribute("name") for s in api.getElementsByTagName("syscall")]


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: gen_invocations.py SEL4-FOLDER AUTOCONF OUT")
    folder, autoconf, out = sys.argv[1:]
    api = Interface(folder, configuration(autoconf))
    parts = ["// Printed by kernel/sel4/tools/gen_invocations.py from the kernel's interface description.",
             "#pragma once", '#include "kernel/sel4/syscall.hpp"', "", "namespace kernel::sel4 {", ""]
    interfaces = []
    for _, interface, _, params in api.methods:
        for name in [interface] + [kind for _, _, kind in params if api.is_cap(kind)]:
            if name not in GENERIC_CAPS and name not in interfaces:
                interfaces.append(name)
    for name in interfaces:
        parts.append("struct %s { u64 Cap; };" % short(name))
    parts.append("")
    for method in api.methods:
        parts.append(function(api, *method))
        parts.append("")
    parts += ["}", ""]
    numbers = ["// Printed by kernel/sel4/tools/gen_invocations.py from the kernel's system call list.", "#pragma once",
               '#include "lib/core/types.hpp"', "", "namespace kernel::sel4 {"]
    numbers += ["inline constexpr i64 Sys%s = -%d;" % (name, i) for i, name in enumerate(system_calls(folder), 1)]
    numbers += ["}", ""]
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(os.path.join(os.path.dirname(out), "numbers.hpp"), "w") as f:
        f.write("\n".join(numbers))
    with open(out, "w") as f:
        f.write("\n".join(parts))


main()
