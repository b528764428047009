"""Development activity on the Hugging Face Hub: every function the notebooks call."""

__version__ = "0.1.0"
