"""What ``doctor`` looks at, a module for each: the machine, the place, the store."""
