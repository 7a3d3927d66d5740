"""Modbus client transport and device server, on pymodbus."""
