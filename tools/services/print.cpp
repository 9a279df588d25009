// Prints docs/services.md from abi/services.def: number, name, kind, parameters, state, meaning of every system service.
//   print-services                 the document on standard output
//   print-services --write FOLDER  the document (services.md), and number, name and parameters alone (services.txt), into FOLDER
//   print-services --check F       exit code 1 if file F is not the document: it must not go stale
//   print-services --check-lock F  exit code 1 if file F is not the list: numbers and parameters are ABI
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

std::string ParametersOf(const Row& R)
{
    std::string Parameters = R.Parameters;
    if (Parameters.size() > 2)
        Parameters.resize(Parameters.size() - 2);
    return Parameters;
}

// Number, name, parameters of each.
std::string Lock()
{
    std::ostringstream Out;
    int Number = 0;
    for (const Row& R : Rows)
        Out << Number++ << " Nt" << R.Name << '(' << ParametersOf(R) << ")\n";
    return Out.str();
}

std::string Document()
{
    int Complete = 0, Partial = 0, Absent = 0;
    for (const Row& R : Rows)
        ++(*R.State == 'c' ? Complete : *R.State == 'p' ? Partial : Absent);
    std::ostringstream Out;
    Out << "# System services\n\n"
        << "Printed from `abi/services.def` by `./neptune build host` (into build/docs); do not edit. A service's number is its place in the table and never changes.\n"
        << "*now*: answers at once; *waits*: may suspend its caller. An absent service answers STATUS_NOT_IMPLEMENTED.\n\n"
        << std::size(Rows) << " services: " << Complete << " complete, " << Partial << " partial, " << Absent << " absent.\n\n"
        << "| number | service | kind | state | meaning | parameters |\n|---|---|---|---|---|---|\n";
    int Number = 0;
    for (const Row& R : Rows) {
        Out << "| " << Number++ << " | Nt" << R.Name << " | " << (*R.Kind == 'N' ? "now" : "waits") << " | " << R.State;
        if (*R.Missing)
            Out << ": " << R.Missing;
        Out << " | " << R.Text << " | " << ParametersOf(R) << " |\n";
    }
    return Out.str();
}

}

namespace {

bool IsText(const char* File, const std::string& Now)
{
    std::ifstream In(File);
    std::stringstream Text;
    Text << In.rdbuf();
    return In && Text.str() == Now;
}

int CheckDocument(const char* File)
{
    if (IsText(File, Document()))
        return 0;
    std::cerr << File << " is not what abi/services.def says: copy build/docs/services.md there, and look at what changed\n";
    return 1;
}

// Programs carry these numbers: a row that is locked never changes, new ones come behind.
int CheckLock(const char* File)
{
    std::string Now = Lock();
    if (IsText(File, Now))
        return 0;
    std::ifstream In(File);
    std::istringstream Rows(Now);
    std::string Locked, Row;
    while (std::getline(In, Locked)) {
        if (!std::getline(Rows, Row))
            Row = "nothing";
        if (Row != Locked) {
            std::cerr << "abi/services.def has changed the ABI: what was\n  " << Locked << "\nis now\n  " << Row << '\n';
            return 1;
        }
    }
    std::cerr << File << " lacks the services that abi/services.def has behind its last: copy build/docs/services.txt there\n";
    return 1;
}

int Write(const std::string& Folder)
{
    std::ofstream DocumentFile(Folder + "/services.md"), LockFile(Folder + "/services.txt");
    DocumentFile << Document();
    LockFile << Lock();
    return DocumentFile.flush() && LockFile.flush() ? 0 : 1;
}

}

int main(int Count, char** Arguments)
{
    if (Count == 1) {
        std::cout << Document();
        return 0;
    }
    const std::string What = Count == 3 ? Arguments[1] : "";
    if (What == "--check")
        return CheckDocument(Arguments[2]);
    if (What == "--check-lock")
        return CheckLock(Arguments[2]);
    if (What == "--write")
        return Write(Arguments[2]);
    std::cerr << "usage: print-services [--check FILE | --check-lock FILE | --write FOLDER]\n";
    return 2;
}
