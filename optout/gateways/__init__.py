"""One codec and one session a gateway protocol; what they deliver, and how it is stored, is the same for all."""
