"""One file for each family of LSP methods. They translate between the protocol and the parts; they decide nothing."""
