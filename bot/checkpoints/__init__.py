"""Signs how far the audit trail reaches, and puts that where nobody who holds the trail can take it back."""

from bot.checkpoints.notary import Notary
from bot.checkpoints.place import Place, PlaceFailed
from bot.checkpoints.places import open_places
from bot.checkpoints.placing import Placing

__all__ = ["Notary", "Place", "PlaceFailed", "Placing", "open_places"]
