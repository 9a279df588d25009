// Prints docs/services.md from abi/services.def: number, name, kind, parameters, state, meaning of every system service.
//   print-services            the document on standard output
//   print-services --check F  exit code 1 if file F differs from it (numbers are ABI, and the document must not go stale)
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

namespace {

struct Row {
    const char* Name;
    const char* Kind;
    const char* State;
    const char* Missing;
    const char* Text;
    const char* Parameters;
};

#define P_IN(Type, Name) #Type " " #Name ", "
#define P_PTR(Type, Name) "in " #Type "* " #Name ", "
#define P_OUT(Type, Name) "out " #Type "* " #Name ", "
#define P_IO(Type, Name) "inout " #Type "* " #Name ", "
#define P_BUF(Name) "void* " #Name ", "
#define COMPLETE "complete", ""
#define PARTIAL(What) "partial", What
#define ABSENT "absent", ""
#define SVC(Name, Kind, State, Text, Parameters) { #Name, #Kind, State, Text, Parameters "" },
const Row Rows[] = {
#include "abi/services.def"
};

std::string Document()
{
    int Complete = 0, Partial = 0, Absent = 0;
    for (const Row& R : Rows)
        ++(*R.State == 'c' ? Complete : *R.State == 'p' ? Partial : Absent);
    std::ostringstream Out;
    Out << "# System services\n\n"
        << "Printed from `abi/services.def` by `./neptune build --docs`; do not edit. A service's number is its place in the table and never changes.\n"
        << "*now*: answers at once; *waits*: may suspend its caller. An absent service answers STATUS_NOT_IMPLEMENTED.\n\n"
        << std::size(Rows) << " services: " << Complete << " complete, " << Partial << " partial, " << Absent << " absent.\n\n"
        << "| number | service | kind | state | meaning | parameters |\n|---|---|---|---|---|---|\n";
    int Number = 0;
    for (const Row& R : Rows) {
        std::string Parameters = R.Parameters;
        if (Parameters.size() > 2)
            Parameters.resize(Parameters.size() - 2);
        Out << "| " << Number++ << " | Nt" << R.Name << " | " << (*R.Kind == 'N' ? "now" : "waits") << " | " << R.State;
        if (*R.Missing)
            Out << ": " << R.Missing;
        Out << " | " << R.Text << " | " << Parameters << " |\n";
    }
    return Out.str();
}

}

int main(int Count, char** Arguments)
{
    std::string Now = Document();
    if (Count == 1) {
        std::cout << Now;
        return 0;
    }
    if (Count != 3 || std::strcmp(Arguments[1], "--check") != 0) {
        std::cerr << "usage: print-services [--check FILE]\n";
        return 2;
    }
    std::ifstream File(Arguments[2]);
    std::stringstream Text;
    Text << File.rdbuf();
    if (!File || Text.str() != Now) {
        std::cerr << Arguments[2] << " is not what abi/services.def says: print it anew with ./neptune build --docs, and look at what changed\n";
        return 1;
    }
    return 0;
}
