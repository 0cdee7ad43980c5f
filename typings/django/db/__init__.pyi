from typing import Any

from django.db import models as models

connection: Any
connections: Any
transaction: Any
