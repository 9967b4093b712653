"""The desk on a real store, its clock moved by hand, its channels recorded."""
