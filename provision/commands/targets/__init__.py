"""What `plan` and `apply` work on: disk images, a tree, this machine."""
