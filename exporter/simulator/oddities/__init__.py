"""
What the clouds are known to do other than their documents say, switchable one by one.

`oddity` names them all; the other modules change what is answered, one for each system. None of
them changes what happens: an ideal reader learns the same from odd answers as from plain ones.
"""
