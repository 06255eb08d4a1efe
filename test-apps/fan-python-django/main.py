"""A Django application (`wsgi`, `asgi`) that asks a far side one to three times for each request, by views of both kinds."""
import asyncio
import os
import random
import time

import django
import httpx
import requests
import requests.adapters
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

FAR = os.environ["FAR"]
EACH = "CLIENTS" in os.environ  # behind WSGI each request has a loop of its own
session = requests.Session()
session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))
session.trust_env = False
client = None


def call(number, turn):
    time.sleep(random.random() * 0.005)
    session.get(f"{FAR}/call/{number}/{turn}").content


async def call_async(number, turn):
    global client
    await asyncio.sleep(random.random() * 0.005)
    if EACH:
        async with httpx.AsyncClient(timeout=60, trust_env=False, verify=False) as own:
            await own.get(f"{FAR}/call/{number}/{turn}")
        return
    if client is None:
        client = httpx.AsyncClient(timeout=60, trust_env=False)
    await client.get(f"{FAR}/call/{number}/{turn}")


def turns(number):
    return range(1 + number % 3)


def fan(request, number):
    for turn in turns(number):
        call(number, turn)
    return HttpResponse("done")


async def fan_async(request, number):
    await asyncio.gather(*(call_async(number, turn) for turn in turns(number)))
    return HttpResponse("done")


async def fan_mixed(request, number):
    for turn in turns(number):
        await sync_to_async(call, thread_sensitive=turn == 0)(number, turn)
    return HttpResponse("done")


def passing(get_response):
    """Middleware of the old kind, which an ASGI server runs in a thread."""
    def middleware(request):
        return get_response(request)
    return middleware


urlpatterns = [path("fan/<int:number>", fan), path("async/<int:number>", fan_async), path("mixed/<int:number>", fan_mixed)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="-", MIDDLEWARE=[f"{__name__}.passing"], USE_TZ=True)
django.setup()
wsgi = get_wsgi_application()
asgi = get_asgi_application()
