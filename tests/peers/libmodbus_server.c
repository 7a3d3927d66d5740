/* A server on libmodbus: 200 holding registers (3 i + 1), 200 inputs (5 i + 2), 200 coils (every third one set).
 *   libmodbus_server tcp PORT | rtu PATH BAUD UNIT
 */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int tcp = strcmp(argv[1], "tcp") == 0, listener = -1;
    modbus_t *bus = tcp ? modbus_new_tcp("127.0.0.1", atoi(argv[2])) : modbus_new_rtu(argv[2], atoi(argv[3]), 'N', 8, 1);
    modbus_mapping_t *map = modbus_mapping_new(200, 0, 200, 200);
    for (int i = 0; i < 200; i++) {
        map->tab_registers[i] = 3 * i + 1;
        map->tab_input_registers[i] = 5 * i + 2;
        map->tab_bits[i] = i % 3 == 0;
    }
    if (tcp)
        listener = modbus_tcp_listen(bus, 1);
    else {
        modbus_set_slave(bus, atoi(argv[4]));
        if (modbus_connect(bus) == -1) {
            fprintf(stderr, "%s: %s\n", argv[2], modbus_strerror(errno));
            return 1;
        }
    }
    printf("ready\n");
    fflush(stdout);
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    for (;;) {
        if (tcp && modbus_tcp_accept(bus, &listener) == -1)
            return 1;
        for (;;) {
            int length = modbus_receive(bus, query);
            if (length > 0)
                modbus_reply(bus, query, length, map);
            else if (length == -1 && tcp)
                break;
        }
        modbus_close(bus);
    }
}
