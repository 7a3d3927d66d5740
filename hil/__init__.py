"""What touches equipment: registers, Modbus, real time."""
