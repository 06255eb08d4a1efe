#!/bin/bash
# The customer: buys one thing.  buy.sh URL
curl --silent --show-error --fail "$1/orders" --data item=rope
