"""`Project`: the only orchestrator; commands call it, it calls everything else."""

from mbe_docs.project.project import Project

__all__ = ["Project"]
