"""doable.sim"""
