"""What do people see? Pages made here, on the server; they work without JavaScript."""
