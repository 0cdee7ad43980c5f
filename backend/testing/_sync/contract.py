# Generated from backend/testing/_async/contract.py by `python -m tools.generate_sync`: edit that one.
"""The contract of a repository."""

from typing import Generic

from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.testing._sync.many import ManyContract
from backend.testing._sync.owners import OwnerContract
from backend.testing._sync.reading import ReadingContract
from backend.testing._sync.transactions import TransactionContract
from backend.testing._sync.upserting import UpsertContract
from backend.testing._sync.writing import WritingContract


class RepositoryContract(
    ReadingContract[ModelT, CreateT, UpdateT, IdT, OwnerT],
    WritingContract[ModelT, CreateT, UpdateT, IdT, OwnerT],
    ManyContract[ModelT, CreateT, UpdateT, IdT, OwnerT],
    UpsertContract[ModelT, CreateT, UpdateT, IdT, OwnerT],
    OwnerContract[ModelT, CreateT, UpdateT, IdT, OwnerT],
    TransactionContract[ModelT, CreateT, UpdateT, IdT, OwnerT],
    Generic[ModelT, CreateT, UpdateT, IdT, OwnerT],
):
    """Checks every promise of a repository that can be checked from outside, each as a test of its own.

        class TestNotes(RepositoryContract[Note, NoteCreate, NoteUpdate, UUID]):
            repository = NoteRepository
            examples = tuple(NoteCreate(text=text) for text in "abc")
            change = NoteUpdate(text="changed")

    The type arguments are the repository's. Each check runs on empty tables, with the examples as rows of two owners.
    Checks that need an owner, a version or a unique key are skipped where there is none.
    """
