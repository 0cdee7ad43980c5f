"""The contract of a repository."""

from typing import Generic

import pytest

from backend.entity.entity import CreateT, IdT, ModelT, OwnerT, UpdateT
from backend.testing._async.many import AsyncManyContract
from backend.testing._async.owners import AsyncOwnerContract
from backend.testing._async.reading import AsyncReadingContract
from backend.testing._async.transactions import AsyncTransactionContract
from backend.testing._async.upserting import AsyncUpsertContract
from backend.testing._async.writing import AsyncWritingContract


@pytest.mark.asyncio
class AsyncRepositoryContract(
    AsyncReadingContract[ModelT, CreateT, UpdateT, IdT, OwnerT],
    AsyncWritingContract[ModelT, CreateT, UpdateT, IdT, OwnerT],
    AsyncManyContract[ModelT, CreateT, UpdateT, IdT, OwnerT],
    AsyncUpsertContract[ModelT, CreateT, UpdateT, IdT, OwnerT],
    AsyncOwnerContract[ModelT, CreateT, UpdateT, IdT, OwnerT],
    AsyncTransactionContract[ModelT, CreateT, UpdateT, IdT, OwnerT],
    Generic[ModelT, CreateT, UpdateT, IdT, OwnerT],
):
    """Checks every promise of a repository that can be checked from outside, each as a test of its own.

        class TestNotes(AsyncRepositoryContract[Note, NoteCreate, NoteUpdate, UUID]):
            repository = AsyncNoteRepository
            examples = tuple(NoteCreate(text=text) for text in "abc")
            change = NoteUpdate(text="changed")

    The type arguments are the repository's. Each check runs on empty tables, with the examples as rows of two owners.
    Checks that need an owner, a version or a unique key are skipped where there is none.
    """
