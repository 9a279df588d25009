// A C program that returns 0, with the C run-time's start-up code.
int main(void)
{
    return 0;
}
