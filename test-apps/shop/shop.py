"""The shop itself: asks the stock service and the price service, answers with the order."""
import os

import requests
from flask import Flask, request

app = Flask(__name__)
STOCK = "http://127.0.0.1:" + os.environ["STOCK_PORT"]
PRICE = "http://127.0.0.1:" + os.environ["PRICE_PORT"]


@app.route("/orders", methods=["POST"])
def order():
    item = request.form["item"]
    stock = requests.get(STOCK + "/stock/" + item).json()
    price = requests.get(PRICE + "/price", params={"item": item}).text.strip()
    return f"sold one {item} for {price}, {stock['left']} left\n"
