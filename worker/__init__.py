"""The RQ edge: tasks, the process that runs them, and the reconciler that leaves nothing undone."""
