"""The network of a machine as its platform describes it, and its forms: networkd, NetworkManager, netplan, dracut."""
