"""What is made after the notebooks: the page, explain, the archive, the colophon."""
