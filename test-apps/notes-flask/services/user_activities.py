import requests


class UserActivities:
    @staticmethod
    def run(handle, profiles):
        answer = requests.get(f"{profiles}/profiles/{handle}", timeout=10)
        return {"errors": None, "data": [{"handle": handle, "profile": answer.status_code}]}
