import sqlite3
from datetime import datetime, timedelta, timezone


class HomeActivities:
    @staticmethod
    def run(logger):
        logger.info("HomeActivities")
        now = datetime.now(timezone.utc).astimezone()
        with sqlite3.connect(":memory:") as database:
            database.execute("CREATE TABLE activities (uuid TEXT, handle TEXT, message TEXT, created_at TEXT)")
            database.execute("INSERT INTO activities VALUES ('68f126b0', 'Andrew Brown', 'Cloud is fun!', ?)",
                             ((now - timedelta(days=2)).isoformat(),))
            rows = database.execute("SELECT uuid, handle, message, created_at FROM activities").fetchall()
        return [dict(zip(("uuid", "handle", "message", "created_at"), row)) for row in rows]

    @staticmethod
    def newest(activities):
        return max(activities, key=lambda activity: activity["created_at"])
