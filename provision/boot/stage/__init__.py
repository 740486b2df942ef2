"""One stage of a boot: it runs, and the state that it leaves is saved for the next one."""
