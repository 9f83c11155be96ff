"""Processes killed again and again: what is lost, what stands still?"""
