"""Git, asked as a stranger's repository is asked: nothing that it configures may run."""
