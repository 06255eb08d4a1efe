"""The backend of a small social network, as it was before anybody added a line for tracing, logging to a cloud or reporting errors."""
import logging
import os
from time import strftime

from flask import Flask, request

from services.home_activities import HomeActivities
from services.user_activities import UserActivities

LOGGER = logging.getLogger(__name__)
LOGGER.setLevel(logging.DEBUG)
LOGGER.addHandler(logging.StreamHandler())

app = Flask(__name__)


@app.after_request
def after_request(response):
    timestamp = strftime('[%Y-%b-%d %H:%M]')
    LOGGER.error('%s %s %s %s %s %s', timestamp, request.remote_addr, request.method, request.scheme, request.full_path, response.status)
    return response


@app.route("/api/activities/home", methods=["GET"])
def data_home():
    return HomeActivities.run(logger=LOGGER), 200


@app.route("/api/activities/@<string:handle>", methods=["GET"])
def data_handle(handle):
    return UserActivities.run(handle, os.environ["PROFILES_URL"]), 200


@app.route("/api/activities/broken", methods=["GET"])
def data_broken():
    return HomeActivities.newest([])["uuid"], 200
