"""The six things that an experiment proves about an arm, one a file: evidence in, a Proof out."""
