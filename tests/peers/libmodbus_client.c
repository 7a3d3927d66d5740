/* A client on libmodbus: one request a call, values on one line.
 *   libmodbus_client tcp HOST PORT | rtu PATH BAUD   UNIT   read|input|coils ADDRESS COUNT | write ADDRESS VALUE...
 */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, modbus_strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 7)
        return 2;
    modbus_t *bus = strcmp(argv[1], "tcp") == 0 ? modbus_new_tcp(argv[2], atoi(argv[3]))
                                                : modbus_new_rtu(argv[2], atoi(argv[3]), 'N', 8, 1);
    modbus_set_slave(bus, atoi(argv[4]));
    modbus_set_response_timeout(bus, 2, 0);
    if (modbus_connect(bus) == -1)
        return fail("connect");
    int address = atoi(argv[6]), count = argc > 7 ? atoi(argv[7]) : 1, done = -1;
    uint16_t words[125] = {0};
    uint8_t bits[2000] = {0};
    if (strcmp(argv[5], "read") == 0)
        done = modbus_read_registers(bus, address, count, words);
    else if (strcmp(argv[5], "input") == 0)
        done = modbus_read_input_registers(bus, address, count, words);
    else if (strcmp(argv[5], "coils") == 0)
        done = modbus_read_bits(bus, address, count, bits);
    else if (strcmp(argv[5], "write") == 0 && argc == 8)
        done = modbus_write_register(bus, address, atoi(argv[7]));
    else {
        count = argc - 7;
        for (int i = 0; i < count; i++)
            words[i] = (uint16_t) atoi(argv[7 + i]);
        done = modbus_write_registers(bus, address, count, words);
        count = 0;
    }
    if (done == -1)
        return fail(argv[5]);
    for (int i = 0; i < count && strcmp(argv[5], "write") != 0; i++)
        printf("%d ", strcmp(argv[5], "coils") == 0 ? bits[i] : words[i]);
    printf("\n");
    modbus_close(bus);
    modbus_free(bus);
    return 0;
}
