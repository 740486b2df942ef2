"""Small roots of Debian: 13 as deployments of OSTree, and 12 and 13 as a plain root that several paths lead to."""
