"""placeholder"""
from app.store.database import Part
class PostgresAdmin(Part):
    pass
