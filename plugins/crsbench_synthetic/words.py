"""The invented world's names: attribute values, people, and words that make titles.

Genres, moods and decades are everyday words; people and titles are made up. Some title words carry a
feeling of their own ("Broken", "Happy"), as real titles do: a reader of sentiment has to take titles out.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


VALUES = {
    "genre": ("comedy", "thriller", "western", "romance", "fantasy", "mystery", "musical", "documentary"),
    "mood": ("gritty", "quirky", "dreamy", "tender", "moody", "breezy"),
    "decade": ("the sixties", "the seventies", "the eighties", "the nineties", "the noughties"),
}
DECADES = {name: 1960 + 10 * i for i, name in enumerate(VALUES["decade"])}

FIRST_NAMES = _words(
    """
    Ada Basil Clara Dorian Edith Felix Greta Hugo Ines Jasper Katya Leon Mira Nestor Olive Pavel Quentin
    Rosa Silas Thea Ulrik Vera Wanda Xavier Yara Zeno Amara Bruno Celia Dario Elena Finn Gemma Henrik
    Isolde Jonas Keiko Lorenz Maeve Nadia
    """
)
LAST_NAMES = _words(
    """
    Abernow Brisk Calloway Dunmere Ellery Fontane Grimaldi Hartwell Ibarra Jessop Kirsch Lindqvist
    Marlow Norcross Okoro Pellerin Quill Rostova Sandoval Thackeray Ubeda Vasquez Winterbourne Yamane
    Zeller Ashdown Bellamy Corrigan Drummond Eastlake Faircloth Galloway Holloway Iverson Jarrow Kestrel
    Lockhart Montrose Nightingale Orlov
    """
)

TITLE_ADJECTIVES = _words(
    """
    Amber Ancient Bitter Blessed Blue Bold Bright Broken Burning Careless Cold Crimson Crooked Cruel
    Curious Dangerous Dead Distant Divine Early Elegant Electric Empty Endless Evil Faded Faithful
    Fallen False Fearless Final Floating Forgotten Fragile Frozen Gentle Glorious Golden Grand Guilty
    Happy Hidden Hollow Honest Hungry Idle Innocent Invisible Iron Ivory Jealous Joyful Last Late
    Laughing Little Lonely Long Lost Loyal Lucky Marble Merry Midnight Missing Narrow Northern Odd
    Painted Pale Paper Patient Perfect Plastic Polite Private Proud Quiet Rainy Reckless Restless Rough
    Royal Rusty Sacred Salted Savage Scarlet Second Secret Seventh Shallow Silent Silver Simple Slow
    Small Southern Spare Stolen Strange Sudden Sweet Tall Third Twisted Velvet Violent Wandering Warm
    Weary Wicked Wild Winning Wise Wooden Wounded Yellow Young
    """
)
TITLE_NOUNS = _words(
    """
    Affair Alibi Anchor Angel Apartment Arrow Autumn Avenue Ballad Bargain Beacon Bell Betrayal Bird
    Border Bridge Brother Cabin Canyon Captain Carnival Castle Ceremony Champion Chapel Circus City
    Clock Coast Compass Corner Courier Crow Crown Curtain Dancer Daughter Delight Desert Diary Doctor
    Door Dream Dust Echo Embassy Empire Engine Envelope Evening Factory Farewell Feather Ferry Festival
    Field Fire Flood Forest Fortune Fountain Fox Frontier Funeral Garden Ghost Gift Glass Glory Grave
    Guest Harbor Harvest Heart Hero Highway Hill Horizon Horse Hotel Hunter Island Journey Joy Judge Key
    King Kingdom Kiss Ladder Lagoon Lantern Letter Library Light Lighthouse Lion Machine Map Market Mask
    Meadow Memory Mercy Miracle Mirror Monster Moon Morning Mountain Murder Museum Neighbor Night Ocean
    Orchard Orchestra Pact Palace Parade Passage Pearl Pilgrim Pilot Planet Platform Portrait Prayer
    Prison Promise Puzzle Queen Railway Rain Revenge River Road Robbery Room Rose Sailor Season Shadow
    Ship Shore Signal Sister Sky Snow Soldier Song Sorrow Spring Stage Station Storm Stranger Street
    Summer Sunday Swan Theater Thief Thunder Tide Tower Train Traitor Treasure Trial Triumph Tunnel
    Valley Victory Village Violin Voyage Wall Watch Wave Weather Wedding Well Whisper Window Winter
    Witness Wolf Writer Yard Year Zoo
    """
)
TITLE_LEADS = (
    "After the",
    "Before the",
    "Beyond the",
    "Beneath the",
    "Toward the",
    "Without the",
    "Across the",
)
