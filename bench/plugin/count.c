// A QEMU plug-in that counts executed instructions in a file that others map: of the kernel, the Executive and processes, REP string iterations
// apart. At each marker (xchg %rcx,%rcx: it changes nothing) the counters are appended. Arguments:
//   out=FILE                         the counters (struct Counts)
//   profile=FILE,from=N,to=M         executions of every translated block between marker N and M (0: the first), written at marker M: lines
//                                    "address instructions executions"
// Loaded by tools/neptune/bench.py.
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugin.h"

EXPORTED int qemu_plugin_version = 1;

enum { Kernel, Executive, Process, Worlds };
enum { MaximumMarkers = 60000, MaximumBlocks = 4000000 };

struct Counts {
    uint64_t Markers, Started;          // Started: the Executive has been reached, its counters below are since then
    uint64_t Now[Worlds][2];            // [][0] plain, [][1] iterations of REP string instructions
    uint64_t At[MaximumMarkers][Worlds][2];
};
static struct Counts* Shared;

static struct Block {
    uint64_t Address, Instructions, Executions;
}* Blocks;
static size_t BlockCount;
static const char* ProfileName;
static uint64_t From, To;

static void WriteProfile(void)
{
    FILE* Out = fopen(ProfileName, "w");
    if (!Out)
        return;
    for (size_t I = 0; I < BlockCount; ++I)
        if (Blocks[I].Executions)
            fprintf(Out, "%lx %lu %lu\n", Blocks[I].Address, Blocks[I].Instructions, Blocks[I].Executions);
    fclose(Out);
}

static void Mark(unsigned Processor, void* Unused)
{
    (void)Processor;
    (void)Unused;
    uint64_t Number = Shared->Markers;
    if (Number >= MaximumMarkers)
        return;
    memcpy(Shared->At[Number], Shared->Now, sizeof(Shared->Now));
    Shared->Markers = Number + 1;
    if (!ProfileName)
        return;
    if (Number == From)
        for (size_t I = 0; I < BlockCount; ++I)
            Blocks[I].Executions = 0;
    if (Number == To)
        WriteProfile();
}

static bool IsRepString(const uint8_t* Code, size_t Size)
{
    bool Rep = false;
    for (size_t I = 0; I < Size; ++I) {
        uint8_t B = Code[I];
        if (B == 0xF2 || B == 0xF3)
            Rep = true;
        else if ((B & 0xF0) != 0x40 && B != 0x66 && B != 0x67 && B != 0x2E && B != 0x3E && B != 0x64 && B != 0x65)
            return Rep && ((B >= 0xA4 && B <= 0xA7) || (B >= 0xAA && B <= 0xAF));
    }
    return false;
}

static int WorldOf(uint64_t Address)
{
    if (Address >> 47)
        return Kernel;
    return Address >> 32 == 0x2000 ? Executive : Process;       // where kernel/sel4/executive.lds puts it
}

static void Translated(qemu_plugin_id_t Id, struct qemu_plugin_tb* Block)
{
    (void)Id;
    size_t Count = qemu_plugin_tb_n_insns(Block);
    if (!Count)
        return;
    uint64_t Address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(Block, 0));
    int World = WorldOf(Address);
    if (World == Executive && !Shared->Started) {
        // The firmware and the kernel's own start are over.
        memset(Shared->Now, 0, sizeof(Shared->Now));
        Shared->Started = 1;
    }
    size_t Repeated = 0;
    for (size_t I = 0; I < Count; ++I) {
        struct qemu_plugin_insn* Instruction = qemu_plugin_tb_get_insn(Block, I);
        const uint8_t* Code = qemu_plugin_insn_data(Instruction);
        size_t Size = qemu_plugin_insn_size(Instruction);
        if (IsRepString(Code, Size))
            ++Repeated;
        if (Size == 3 && !memcmp(Code, "\x48\x87\xC9", 3))
            qemu_plugin_register_vcpu_insn_exec_cb(Instruction, Mark, NO_REGISTERS, NULL);
    }
    if (Count > Repeated)
        qemu_plugin_register_vcpu_tb_exec_inline(Block, ADD_U64, &Shared->Now[World][0], Count - Repeated);
    if (Repeated)
        qemu_plugin_register_vcpu_tb_exec_inline(Block, ADD_U64, &Shared->Now[World][1], Repeated);
    if (ProfileName && BlockCount < MaximumBlocks) {
        struct Block* B = &Blocks[BlockCount++];
        B->Address = Address;
        B->Instructions = Count;
        qemu_plugin_register_vcpu_tb_exec_inline(Block, ADD_U64, &B->Executions, 1);
    }
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t Id, const void* Info, int Count, char** Arguments)
{
    (void)Info;
    const char* Out = NULL;
    for (int I = 0; I < Count; ++I) {
        char* Value = strchr(Arguments[I], '=');
        if (!Value++)
            return -1;
        if (!strncmp(Arguments[I], "out=", 4))
            Out = Value;
        else if (!strncmp(Arguments[I], "profile=", 8))
            ProfileName = strdup(Value);
        else if (!strncmp(Arguments[I], "from=", 5))
            From = strtoull(Value, NULL, 10);
        else if (!strncmp(Arguments[I], "to=", 3))
            To = strtoull(Value, NULL, 10);
        else
            return -1;
    }
    int File = Out ? open(Out, O_RDWR | O_CREAT | O_TRUNC, 0644) : -1;
    if (File < 0 || ftruncate(File, sizeof(struct Counts)))
        return -1;
    Shared = mmap(NULL, sizeof(struct Counts), PROT_READ | PROT_WRITE, MAP_SHARED, File, 0);
    close(File);
    if (Shared == MAP_FAILED)
        return -1;
    if (ProfileName && !(Blocks = mmap(NULL, MaximumBlocks * sizeof(struct Block), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)))
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(Id, Translated);
    return 0;
}
