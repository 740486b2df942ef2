"""A small Debian 13 as deployments of OSTree, and as a plain root that several paths lead to."""
