#!/bin/sh
# Hook of dracut (emergency, shutdown-emergency): shows on all consoles why the boot stopped, before the shell or power-off.
/usr/bin/provision-firstboot explain
