"""256 short words, one a byte: a digest that two people, or two screens, can compare aloud."""

from __future__ import annotations

_TEXT = """
acid acorn actor album alder amber angle ankle apple apron arrow aspen atlas attic autumn axle bacon badge
baker bamboo banjo barley basin basket beach beaver bench berry birch bison blanket bloom bottle boulder
bracket branch bread brick bridge bronze bucket butter button cabin cactus camel candle canoe canvas carbon
carpet castle cedar cello cement chalk cherry chimney cinema circus clay clock clover cobalt cobra coffee
comet copper coral cotton coyote crane crater cricket crown crystal curtain daisy dancer denim desert
diamond dinner dolphin donkey dragon drum eagle easel echo elbow elephant ember engine estate fabric falcon
farmer feather fern fiddle finger flute forest fossil fountain fox galaxy garden garlic gecko ginger giraffe
glacier globe goblet gold gorilla granite grape gravel guitar hammer harbour harp hazel helmet heron hockey
honey horizon hotel igloo indigo infant iris island ivory jacket jaguar jasmine jelly jersey jigsaw jungle
juniper kayak kennel kettle kitten koala ladder lagoon lantern laurel lemon leopard lily linen lizard
lobster locket lotus lumber magnet mango maple marble meadow melon mirror monkey mosaic mural napkin nectar
needle nickel noodle nutmeg oasis ocean olive onion opera orange orchid otter oyster paddle panda pasture
peach peanut pearl pebble pelican pepper piano pickle pigeon pillow planet plum pocket poplar potato prairie
pumpkin puzzle quartz quilt rabbit radish raven ribbon river robin rocket saddle salmon sandal sapphire
satin scarf school shadow silver sparrow spinach spruce stable sugar sunset tango temple thunder ticket
tiger timber tomato tulip tunnel turtle umbrella valley velvet violin walnut whale willow winter wizard
yellow zebra zipper
"""

WORDS = tuple(_TEXT.split())
