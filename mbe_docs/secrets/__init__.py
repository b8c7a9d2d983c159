"""API keys, tokens and passwords in text: found by rules, replaced by a mark that says which rule it was."""

from mbe_docs.secrets.detector import Detector, Secret, SecretPolicy

__all__ = ["Detector", "Secret", "SecretPolicy"]
